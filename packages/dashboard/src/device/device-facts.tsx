import type { Device, LiveStream, Session } from "@eet/server/api-types";
import type { ComponentChildren } from "preact";
import { nameCondition } from "../fleet/device-state.ts";
import { formatBytes, formatChannels, formatCount, formatPpm, formatRate } from "../format/format-amount.ts";
import { formatAge, formatDuration } from "../format/format-time.ts";
import { Moment, Since } from "../shell/time.tsx";
import type { DayGaps } from "./completeness.ts";
import { DeviceEdit } from "./device-edit.tsx";
import { DevicePins } from "./device-pins.tsx";

const orderSources = {
  // What a device declares and what is configured for it are one to the server.
  config: "told by the device or its settings",
  exact: "found, certain",
  statistical: "found, by statistics",
  cached: "as it was before",
  default: "assumed",
} as const;
const clockRules = {
  "device-synced": "the device's, in step with the server's",
  "device-unverified": "the device's, not verified",
  "server-arrival": "the server's, by arrival",
} as const;

/** What is known of a device and of what it sends. */
export function DeviceFacts(props: {
  readonly device: Device;
  readonly stream: LiveStream | null | undefined;
  readonly session: Session | undefined;
  readonly gaps: DayGaps;
}) {
  const { device, stream, session, gaps } = props;
  const format = stream ?? session?.format;
  const rule = stream?.start_rule ?? session?.start_rule;
  const driftPpm = session?.drift_ppm ?? null;
  // What is away was so until it went.
  const endedMs = stream === null ? Date.parse(device.last_seen) : undefined;
  const sessionStartMs = stream?.start_ms ?? (session === undefined ? undefined : Date.parse(session.start));
  return (
    <section class="panel facts" aria-label="Facts">
      {device.hwid !== null && (
        <div class="facts-head">
          <DeviceEdit device={device} />
        </div>
      )}
      <dl>
        <Fact name="Health">
          {device.health.length === 0
            ? "nothing found"
            : device.health.map(({ condition, since }) => (
                <div key={condition}>
                  <HealthSpan condition={condition} since={since} endedMs={endedMs} />
                </div>
              ))}
        </Fact>
        {format !== undefined && (
          <Fact name="Format">
            {format.codec === "adpcm" ? "IMA ADPCM" : "PCM, 16 bit"}, {formatRate(format.sample_rate_hz)},{" "}
            {formatChannels(format.channels)}
            {format.frame_samples > 0 && (
              <span class="muted">
                , {formatDuration((format.frame_samples * 1000) / format.sample_rate_hz)} a frame
              </span>
            )}
          </Fact>
        )}
        {stream?.nibble_order && (
          <Fact name="Nibble order">
            {stream.nibble_order.order} first <span class="muted">({orderSources[stream.nibble_order.source]})</span>
          </Fact>
        )}
        {rule !== undefined && <Fact name="Clock">{clockRules[rule]}</Fact>}
        <Fact name="Drift">{driftPpm === null ? <span class="muted">not known yet</span> : formatPpm(driftPpm)}</Fact>
        {sessionStartMs !== undefined && (
          <Fact name={stream === null ? "Last session" : "Session"}>
            since <Moment timeMs={sessionStartMs} />
            <span class="muted">
              , {(stream?.acked ?? session?.acked) ? "acknowledged" : "without acknowledgements"},{" "}
              <span class="mono">{stream?.session ?? session?.session}</span>
            </span>
          </Fact>
        )}
        <Fact name="Gaps today">
          <GapAmount gaps={gaps} />
        </Fact>
        <Fact name="Recorded">
          {formatDuration((device.totals.media_s - device.totals.gap_s) * 1000)}
          <span class="muted">, {formatBytes(device.totals.bytes)}</span>
        </Fact>
        <Fact name="First connected">
          <Moment timeMs={Date.parse(device.first_seen)} />
        </Fact>
        {device.waiting.files > 0 && (
          <Fact name="To be uploaded">
            {formatCount(device.waiting.files, "file")}
            <span class="muted">
              , {formatBytes(device.waiting.bytes)}, <a href="/storage">the queue</a>
            </span>
          </Fact>
        )}
      </dl>
      <DevicePins hwid={device.hwid} />
    </section>
  );
}

/** For how long something was found, of a device that is away until then. */
function HealthSpan(props: {
  readonly condition: string;
  readonly since: string;
  readonly endedMs: number | undefined;
}) {
  const { condition, since, endedMs } = props;
  const sinceMs = Date.parse(since);
  if (endedMs === undefined) {
    return (
      <>
        {nameCondition(condition)} for <Since timeMs={sinceMs} />
      </>
    );
  }
  return (
    <>
      {nameCondition(condition)} for the last {formatAge(endedMs - sinceMs)}
    </>
  );
}

/** How many, and how long they are together. */
function GapAmount({ gaps: { count, isMore, seconds } }: { readonly gaps: DayGaps }) {
  if (count === 0) return "none";
  return (
    <>
      <span class="is-remarkable">
        {isMore && "more than "}
        {formatCount(count, "gap")}
      </span>
      , {formatDuration(seconds * 1000)} {count > 1 && <span class="muted">in total</span>}
    </>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
