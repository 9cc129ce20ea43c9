import { Icon } from "../shell/icon.tsx";
import "./access.css";

/** What comes of making the first token. */
export function ProtectSteps() {
  return (
    <ol class="access-steps">
      <li>You become its administrator: your token is shown once, and you are logged in.</li>
      <li>
        From then on people, programs and devices have to show a token. Devices that are connected are cut off until
        they have one: make theirs right after.
      </li>
    </ol>
  );
}

/** What a button that makes the first token says. */
export function ProtectWords() {
  return (
    <>
      <Icon name="key" />
      Protect this server
    </>
  );
}
