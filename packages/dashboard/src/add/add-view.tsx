import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { isProtected } from "../api/access.ts";
import { devices, followFleet } from "../api/fleet-store.ts";
import { nowMs } from "../api/page-live.ts";
import { isOnline } from "../fleet/device-state.ts";
import { StateBadge } from "../fleet/state-badge.tsx";
import { CodeBlock, CopyButton } from "../shell/code-block.tsx";
import { isHwid } from "../shell/hwid.ts";
import { HwidField } from "../shell/hwid-field.tsx";
import "./add.css";
import { DeviceToken, hasToken, tokenOf } from "./device-token.tsx";
import { QrCode } from "./qr-code.tsx";
import { SimulatedDevices } from "./simulated-devices.tsx";
import { addressOf, makeSnippets } from "./snippets.ts";

/** Names of this machine that no other one can use. */
const loopback = /^(?:localhost|127\.|\[?::1)/;

const hwidText = signal("my-device");
const chosen = signal(0);

/** How a device is connected. */
export function AddView() {
  useEffect(() => {
    document.title = "Add a device · EET";
    followFleet();
  }, []);
  const isValid = isHwid(hwidText.value);
  const hwid = isValid ? hwidText.value : "my-device";
  const endpoint = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
  const isLocal = loopback.test(location.hostname);
  const token = tokenOf(hwid);
  const address = addressOf(endpoint, hwid, token);
  return (
    <div class="add-view">
      <h1>Add a device</h1>
      <p class="muted">
        {isProtected.value
          ? "A device that connects to its address with a token is recorded. The id is yours to choose."
          : "There is nothing to register: a device that connects to its address is recorded. The id is yours to choose."}
      </p>
      <section class="panel add-address">
        <div class="add-fields">
          <HwidField id="hwid" hwid={hwidText} />
          <div class={isValid ? "" : "is-void"} inert={!isValid}>
            <span class="field-label">Address</span>
            <p class="address">
              <code class={token === undefined ? "" : "is-long"}>{address}</code>
              <CopyButton text={address} label="Copy the address" word="Copy" />
            </p>
          </div>
          {isValid && <DeviceToken hwid={hwid} />}
          {isLocal && <LocalHint />}
          {isValid && <Arrival hwid={hwid} />}
        </div>
        {/* Whatever could scan it could not use a name that means itself there. */}
        {!isLocal && isValid && <QrCode text={hasToken(hwid) ? address : undefined} label={`${endpoint}/${hwid}`} />}
      </section>
      <div class={isValid ? "" : "is-void"} inert={!isValid}>
        <Snippets url={endpoint} hwid={hwid} token={token} />
      </div>
      <SimulatedDevices />
    </div>
  );
}

/** The page was opened by a name that means another machine on each machine. */
function LocalHint() {
  return (
    <p class="hint">
      This page was opened as <code>{location.hostname}</code>: other machines cannot use that name. Start the server
      with <code class="whole">--host 0.0.0.0</code> and open the page by this machine's address in the network.
      {!isProtected.value && (
        <>
          {" "}
          It asks for tokens then: <a href="/access">Access</a> makes the first one.
        </>
      )}
    </p>
  );
}

/** Says when the device has come. */
function Arrival({ hwid }: { readonly hwid: string }) {
  const device = devices.value?.find((one) => one.hwid === hwid);
  const isHere = device !== undefined && isOnline(device, nowMs.value);
  return (
    <p class="arrival" role="status">
      {isHere ? (
        <>
          <StateBadge state="live" /> <a href={`/device/${hwid}`}>{hwid} is connected, open it</a>
        </>
      ) : (
        <span class="muted">
          {device === undefined ? `${hwid} has not been heard yet` : `${hwid} is known, but not connected`}
        </span>
      )}
    </p>
  );
}

function Snippets(props: { readonly url: string; readonly hwid: string; readonly token: string | undefined }) {
  const snippets = makeSnippets(props.url, props.hwid, props.token);
  const shown = snippets[chosen.value] ?? snippets[0];
  return (
    <section class="snippets" aria-label="Snippets">
      <div class="segmented">
        {snippets.map(({ name }, index) => (
          <button
            key={name}
            type="button"
            aria-pressed={index === chosen.value}
            onClick={() => {
              chosen.value = index;
            }}
          >
            {name}
          </button>
        ))}
      </div>
      {shown !== undefined && (
        <>
          <p class="muted">{shown.note}</p>
          <CodeBlock text={shown.text} label={`Snippet: ${shown.name}`} />
        </>
      )}
      <p class="muted small">
        Everything a device may send, byte by byte: <code>docs/protocol.md</code> in the repository.
      </p>
    </section>
  );
}
