import { mayAdminister } from "../api/access.ts";
import { qrPath } from "./qr-path.ts";

/** An address as a QR code. @param text - `undefined`: there is no address yet that a device could use */
export function QrCode({ text, label }: { readonly text: string | undefined; readonly label: string }) {
  if (text === undefined) return <NoCode />;
  const { path, size } = qrPath(text);
  return (
    <figure class="qr-code">
      {/* Dark on white in either theme: scanners want it so. */}
      <svg viewBox={`0 0 ${size} ${size}`} role="img" aria-label={`QR code of ${label}`} shape-rendering="crispEdges">
        <path d={path} fill="#000" />
      </svg>
      <figcaption class="small muted">Scan: the address of this device</figcaption>
    </figure>
  );
}

function NoCode() {
  return (
    <p class="qr-code is-missing small muted">
      {mayAdminister.value
        ? "A QR code of the address stands here once the token is made: a device that scans it without one is refused."
        : "There is no QR code of the address: it needs the token, which this page does not have."}
    </p>
  );
}
