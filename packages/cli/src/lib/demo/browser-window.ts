import { spawn } from "node:child_process";

/** Opens a page in the person's browser, where there is one; whether it worked, the person sees. */
export function openBrowserWindow(url: string, env: Readonly<Record<string, string | undefined>>): void {
  const command = browserCommand(process.platform, env);
  if (command === undefined) return;
  const [program, ...args] = command;
  const child = spawn(program, [...args, url], { stdio: "ignore", detached: true });
  child.on("error", () => {});
  child.unref();
}

/** What opens pages on a system; `undefined` where nobody would see it. */
export function browserCommand(
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string | undefined>>,
): readonly [string, ...string[]] | undefined {
  const isSet = (name: string) => (env[name] ?? "") !== "";
  if (isSet("CI") || isSet("SSH_CONNECTION")) return undefined;
  if (platform === "darwin") return ["open"];
  if (platform === "win32") return ["cmd", "/c", "start", ""];
  return isSet("DISPLAY") || isSet("WAYLAND_DISPLAY") ? ["xdg-open"] : undefined;
}
