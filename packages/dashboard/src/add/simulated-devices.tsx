import type { SimulatedDevice, SimulatedDeviceListing } from "@eet/server/api-types";
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { mayOperate } from "../api/access.ts";
import { checkAnswer, describeError, readApi, writeApi } from "../api/api-client.ts";
import { nowMs } from "../api/page-live.ts";
import { formatDuration } from "../format/format-time.ts";
import { Icon } from "../shell/icon.tsx";

const kinds = [
  { value: "", label: "One after the other" },
  { value: "voice", label: "A voice" },
  { value: "birds", label: "Birds" },
  { value: "machine", label: "A machine that knocks" },
  { value: "gaps", label: "A bad link, with gaps" },
  { value: "clipping", label: "Too loud, clipping" },
  { value: "silent", label: "Silence" },
] as const;

const listing = signal<SimulatedDeviceListing | undefined>(undefined);
const fault = signal("");
const isBusy = signal(false);
const kind = signal("");

async function refresh(): Promise<void> {
  try {
    listing.value = await readApi<SimulatedDeviceListing>("/simulated-devices");
  } catch (error) {
    fault.value = describeError(error);
  }
}

/** Does something, then shows how it is. */
async function act(action: () => Promise<unknown>): Promise<void> {
  isBusy.value = true;
  fault.value = "";
  try {
    await action();
    await refresh();
  } catch (error) {
    fault.value = describeError(error);
  }
  isBusy.value = false;
}

/** Devices that the server simulates: to be started, and stopped again. */
export function SimulatedDevices() {
  useEffect(() => void refresh(), []);
  const list = listing.value;
  const isEnded = list?.devices.some(({ ends }) => Date.parse(ends) < nowMs.value) === true;
  useEffect(() => {
    if (isEnded) void refresh();
  }, [isEnded]);
  if (list === undefined || list.max_count === 0 || !mayOperate.value) return null;
  const isFull = list.running >= list.max_count;
  return (
    <section class="panel simulated" aria-label="Simulated devices">
      <div class="simulated-head">
        <div>
          <h2>No device at hand?</h2>
          <p class="muted">
            The server plays one to its own entrance. It is recorded like any other, under an id that begins with{" "}
            <code>demo-</code>, and stops by itself after ten minutes.
          </p>
        </div>
        <form
          class="simulated-form"
          onSubmit={(event) => {
            event.preventDefault();
            const chosen = kind.value === "" ? {} : { kind: kind.value };
            void act(() => writeApi("POST", "/simulated-devices", chosen));
          }}
        >
          <select
            class="field"
            aria-label="What it sounds like"
            value={kind.value}
            onChange={(event) => {
              kind.value = event.currentTarget.value;
            }}
          >
            {kinds.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
          <button type="submit" class="button is-primary" disabled={isBusy.value || isFull}>
            <Icon name="play" />
            Start a simulated device
          </button>
        </form>
      </div>
      <p class="is-wrong" role="status">
        {fault.value}
      </p>
      {list.devices.length > 0 && (
        <ul class="simulated-list">
          {list.devices.map((device) => (
            <Running key={device.hwid} device={device} />
          ))}
        </ul>
      )}
      {isFull && <p class="muted small">{`${list.max_count} run, which is all that may at once.`}</p>}
    </section>
  );
}

function Running({ device: { hwid, description, ends } }: { readonly device: SimulatedDevice }) {
  const leftMs = Math.max(0, Date.parse(ends) - nowMs.value);
  const stop = async () => {
    await checkAnswer(await fetch(`/api/v1/simulated-devices/${hwid}`, { method: "DELETE" }));
  };
  return (
    <li>
      <a href={`/device/${hwid}`}>{hwid}</a>
      <span class="muted simulated-what">{description}</span>
      <span class="muted">{formatDuration(Math.ceil(leftMs / 1000) * 1000)} left</span>
      <button
        type="button"
        class="button"
        disabled={isBusy.value}
        aria-label={`Stop ${hwid}`}
        onClick={() => void act(stop)}
      >
        <Icon name="stop" />
        Stop
      </button>
    </li>
  );
}
