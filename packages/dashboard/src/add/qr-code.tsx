import { qrPath } from "./qr-path.ts";

/** Dark on white in either theme: scanners want it so. */
export function QrCode({ text, label }: { readonly text: string; readonly label: string }) {
  const { path, size } = qrPath(text);
  return (
    <figure class="qr-code">
      <svg viewBox={`0 0 ${size} ${size}`} role="img" aria-label={`QR code of ${label}`} shape-rendering="crispEdges">
        <path d={path} fill="#000" />
      </svg>
      <figcaption class="small muted">Scan: the address of this device</figcaption>
    </figure>
  );
}
