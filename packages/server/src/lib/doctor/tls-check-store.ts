import { ConfigError } from "../kernel/errors.ts";
import { isForAll, readTlsFiles, type TlsPaths } from "../listening/tls-files-store.ts";
import { makeTlsMaterial, type TlsMaterial } from "../listening/tls-material.ts";
import { findTlsNotices } from "../listening/tls-notices.ts";
import { type Finding, failure, warning, well } from "./finding.ts";

/** Whether a server could speak TLS with these files, and for how long. @param paths - `undefined`: TLS is off */
export async function checkTls(paths: TlsPaths | undefined, nowMs: number): Promise<readonly Finding[]> {
  if (paths === undefined) return [well("TLS", "it is off (Server:TlsCert)")];
  let material: TlsMaterial;
  try {
    material = makeTlsMaterial(await readTlsFiles(paths));
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    return [failure("TLS", thrown.message, thrown.row.fix)];
  }
  const warnings = findTlsNotices(material, nowMs).map(({ message, fix }) => warning("TLS", message, fix));
  if (await isForAll(paths.key)) {
    const fix = "Take that right away: `chmod o-r` on the file.";
    warnings.push(warning("TLS", `every user of this machine may read the key ${paths.key}`, fix));
  }
  if (warnings.length > 0) return warnings;
  const { certificate } = material;
  const names = certificate.subjectAltName ?? "";
  return [well("TLS", `certificate and key fit; for ${names}, until ${certificate.validToDate.toISOString()}`)];
}
