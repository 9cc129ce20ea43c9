import { isProtected } from "../api/access.ts";
import { CodeBlock } from "../shell/code-block.tsx";
import { Icon } from "../shell/icon.tsx";
import { SimulateStep } from "./simulate-step.tsx";

/** A fresh install: how the first device comes. */
export function EmptyFleet() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const url = `${scheme}://${location.host}/ws`;
  return (
    <div class="empty-fleet">
      <h1>Waiting for the first device</h1>
      <p class="muted">
        The server runs and records whatever connects. A device appears here with its first sound; nothing has to be set
        up for it.
      </p>
      <ol class="first-steps">
        <SimulateStep />
        <li class="panel">
          <h2>Use the microphone of this browser</h2>
          <p class="muted">A phone or a laptop is a device at once; what the server has not confirmed is sent again.</p>
          <a class="button" href="/mic">
            <Icon name="mic" />
            Open the microphone
          </a>
        </li>
        <li class="panel">
          <h2>Connect a device of yours</h2>
          <p class="muted">
            An ESP32, a Python script, a Linux machine: <a href="/add">Add a device</a> has the address of each, and
            snippets.
          </p>
          <CodeBlock label="Address for devices" text={`${url}/my-device`} />
        </li>
        <li class="panel">
          <h2>Play a recording</h2>
          <p class="muted">In the folder of the repository: the bundled recording of a voice, until Ctrl-C.</p>
          <CodeBlock
            label="Command for a simulated device"
            text={`${isProtected.value ? "EET_TOKEN=TOKEN " : ""}npm run eet -- stream --url ${url} --hwid kitchen --wav data/speech_16k.wav --realtime --loop`}
          />
        </li>
      </ol>
    </div>
  );
}
