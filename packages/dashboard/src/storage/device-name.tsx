import { devices } from "../api/fleet-store.ts";
import { titleOf } from "../fleet/fleet-order.ts";

/** A device by its name, as a link to it. */
export function DeviceName({ hwid }: { readonly hwid: string | null }) {
  const device = devices.value?.find((one) => one.hwid === hwid) ?? { name: null, hwid };
  return <a href={`/device/${hwid ?? "~"}`}>{titleOf(device)}</a>;
}
