import { spawnSync } from "node:child_process";

/** Debian package that brings a command the suites use as an oracle. */
const packageOf = {
  ffprobe: "ffmpeg",
  ffmpeg: "ffmpeg",
  sox: "sox",
  soxi: "sox",
  "sndfile-info": "sndfile-programs",
  "sndfile-convert": "sndfile-programs",
  "/usr/bin/python3": "python3 python3-websockets",
  strace: "strace",
  "mkfs.ext4": "e2fsprogs",
  e2fsck: "e2fsprogs",
  mount: "mount",
  unshare: "util-linux",
  fsfreeze: "util-linux",
  prlimit: "util-linux",
  promtool: "prometheus",
  prometheus: "prometheus",
  "systemd-analyze": "systemd",
  "/usr/sbin/nginx": "nginx-light",
  caddy: "caddy",
  radosgw: "radosgw ceph-osd ceph-mon ceph-mgr",
} as const;

/** A command that some suites need and a plain machine may lack. */
export type OracleTool = keyof typeof packageOf;

/** What a tool has to pass besides being there. */
const probes: { readonly [tool in OracleTool]?: string } = {
  // Python 3.13 has no audioop any more: it is of no use as an oracle.
  "/usr/bin/python3": '/usr/bin/python3 -W ignore -c "import audioop, websockets"',
};

/** A Node test option: `false` runs the test, a string skips it with that reason. */
export type SkipReason = false | string;

/**
 * Decides whether a test that needs `tools` can run here.
 *
 * @returns `false` when all are installed, else the reason with the command that enables the test.
 * @throws Error in CI (`CI=true`), where nothing may be skipped.
 */
export function skipWithout(...tools: readonly OracleTool[]): SkipReason {
  const missing = tools.filter(
    (tool) => spawnSync("sh", ["-c", probes[tool] ?? `command -v ${tool}`], { stdio: "ignore" }).status !== 0,
  );
  if (missing.length === 0) return false;
  const packages = missing.map((tool) => packageOf[tool]).join(" ");
  const reason = `needs ${missing.join(", ")}: apt-get install -y --no-install-recommends ${packages}`;
  if (process.env["CI"] === "true") throw new Error(`in CI nothing is skipped: ${reason}`);
  return reason;
}
