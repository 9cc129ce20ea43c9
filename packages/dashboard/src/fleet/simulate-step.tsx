import type { SimulatedDeviceListing } from "@eet/server/api-types";
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { mayOperate } from "../api/access.ts";
import { describeError, readApi, writeApi } from "../api/api-client.ts";
import { Icon } from "../shell/icon.tsx";

/** Whether the server may simulate any. */
const isOn = signal(false);
/** `no`, `yes`, or why not. */
const started = signal("no");

async function ask(): Promise<void> {
  try {
    isOn.value = (await readApi<SimulatedDeviceListing>("/simulated-devices")).max_count > 0;
  } catch {
    // The page tells of a server that is away by itself.
  }
}

/** The first device without a device; not there where the server simulates none, nor for who may only look. */
export function SimulateStep() {
  useEffect(() => void ask(), []);
  if (!isOn.value || !mayOperate.value) return null;
  return (
    <li class="panel">
      <h2>See it work with a simulated one</h2>
      <p class="muted">
        The server plays it to itself, for ten minutes. More of them, and stopping them: <a href="/add">Add a device</a>
        .
      </p>
      <SimulateButton />
    </li>
  );
}

function SimulateButton() {
  const start = async () => {
    started.value = "yes";
    try {
      await writeApi("POST", "/simulated-devices", { kind: "birds" });
    } catch (error) {
      started.value = describeError(error);
    }
  };
  const isStarting = started.value === "yes";
  return (
    <>
      <button type="button" class="button is-primary" disabled={isStarting} onClick={() => void start()}>
        <Icon name="play" />
        {isStarting ? "Starting" : "Start a simulated device"}
      </button>
      <p class="muted" role="status">
        {isStarting ? "It appears here in a moment." : started.value === "no" ? "" : started.value}
      </p>
    </>
  );
}
