import { mayOperate } from "../api/access.ts";
import { HwidField } from "../shell/hwid-field.tsx";
import { Segments } from "../shell/segments.tsx";
import { isTokenAsked, micToken } from "./mic-token.ts";
import { choices } from "./microphone-choices.ts";
import { inputs } from "./microphone-recorder.ts";

const codecs = [
  { value: "adpcm", label: "ADPCM", note: "4 bits a sample: a quarter of the size, good for voices" },
  { value: "pcm16", label: "PCM", note: "16 bits a sample: as it was captured" },
] as const;
const rates = [
  { value: "16000", label: "16 kHz" },
  { value: "48000", label: "48 kHz" },
] as const;

/** How it is recorded. @param isLocked - while it records */
export function MicChoices({ isLocked }: { readonly isLocked: boolean }) {
  const { codec, rateHz } = choices;
  const note = codecs.find(({ value }) => value === codec.value)?.note;
  const kbitPerS = (Number(rateHz.value) * (codec.value === "adpcm" ? 4 : 16)) / 1000;
  return (
    <section class="panel mic-choices" aria-label="How it is recorded">
      <fieldset class="mic-fields" disabled={isLocked}>
        <legend class="visually-hidden">How it is recorded</legend>
        <InputChoice />
        <Segments label="Format" choice={codec} options={codecs} />
        <Segments label="Sample rate" choice={rateHz} options={rates} />
        <p class="muted small mic-format">
          {note}; {kbitPerS.toFixed(0)} kbit/s.
        </p>
        <HwidField id="mic-hwid" hwid={choices.hwid} />
        {isTokenAsked.value && <TokenField />}
        {mayOperate.value && <NameField isLocked={isLocked} />}
      </fieldset>
      <p class="muted small mic-remark">
        {isLocked
          ? "Stop to change these."
          : `This browser remembers them${isTokenAsked.value ? ", the token alone not" : ""}. Sound is captured as it is, without noise suppression.`}
      </p>
    </section>
  );
}

function NameField({ isLocked }: { readonly isLocked: boolean }) {
  return (
    <div>
      <label class="field-label" for="mic-name">
        Name<span class="muted">, shown in lists (optional)</span>
      </label>
      <input
        id="mic-name"
        class="field"
        maxLength={200}
        value={choices.name.value}
        placeholder={isLocked ? "" : "such as Anna's phone"}
        onInput={(event) => {
          choices.name.value = event.currentTarget.value;
        }}
      />
    </div>
  );
}

/** Who may only look records by the token of a device. */
function TokenField() {
  return (
    <div>
      <label class="field-label" for="mic-token">
        Token of the device
      </label>
      <input
        id="mic-token"
        class="field mono"
        type="password"
        maxLength={200}
        autocomplete="off"
        value={micToken.value}
        aria-describedby="mic-token-rule"
        onInput={(event) => {
          micToken.value = event.currentTarget.value;
        }}
      />
      <p id="mic-token-rule" class="small muted">
        It begins with <code>eet_d_</code>, and has to be for this id. This tab keeps it until it is closed.
      </p>
    </div>
  );
}

function InputChoice() {
  const { deviceId } = choices;
  return (
    <div>
      <label class="field-label" for="mic-input">
        Input
      </label>
      <select
        id="mic-input"
        class="field"
        value={inputs.value.some(({ id }) => id === deviceId.value) ? deviceId.value : ""}
        onChange={(event) => {
          deviceId.value = event.currentTarget.value;
        }}
      >
        <option value="">The system's choice</option>
        {inputs.value.map(({ id, label }) => (
          <option key={id} value={id}>
            {label}
          </option>
        ))}
      </select>
    </div>
  );
}
