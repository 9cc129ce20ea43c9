import type { Device } from "@eet/server/api-types";
import { ApiError, writeApi } from "../api/api-client.ts";

const retryMs = 3_000;

let announced = "";
let triedAtMs = 0;

/**
 * Gives the device its name once the server knows it. Called again it does nothing.
 *
 * @param durableS - what the server has of it
 */
export function announceName(hwid: string, name: string, durableS: number): void {
  const wanted = `${hwid}/${name}`;
  if (name === "" || durableS === 0 || announced === wanted || Date.now() - triedAtMs < retryMs) return;
  triedAtMs = Date.now();
  writeApi<Device>("PATCH", `/devices/${hwid}`, { name }).then(
    () => {
      announced = wanted;
    },
    // Not known yet, or away: tried again. Who may not name devices is not asked again.
    (error: unknown) => {
      if (error instanceof ApiError && error.status === 403) announced = wanted;
    },
  );
}
