import type { Sidecar } from "./sidecar.ts";

/**
 * How far a recording's times go ahead of the server's clock because a device's that was not believed gave them; 0 where
 * the two agreed or there was only the server's. Such a clock names the recording, but neither ages nor orders it. [P-3.4]
 */
export function clockAheadMs({ rule, session_start_ms, server_start_ms }: Sidecar["time"]): number {
  return rule === "device-unverified" ? session_start_ms - server_start_ms : 0;
}
