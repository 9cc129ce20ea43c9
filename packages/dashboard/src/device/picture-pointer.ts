import type { LivePicture } from "./live-picture.ts";

/** Moves that are still no drag, CSS px. */
const clickPx = 3;

/** Dragging and turning the wheel sideways scroll a picture. @param onHover - place from the left, CSS px */
export function followPicturePointer(
  canvas: HTMLCanvasElement,
  picture: LivePicture,
  onHover: (leftPx: number | undefined) => void,
): () => void {
  const abort = new AbortController();
  const { signal } = abort;
  let last: number | undefined;
  let hasMoved = false;
  canvas.addEventListener(
    "wheel",
    (event) => {
      const distancePx = event.shiftKey ? event.deltaY + event.deltaX : event.deltaX;
      // Up and down the page is scrolled.
      if (Math.abs(distancePx) < Math.abs(event.deltaY) && !event.shiftKey) return;
      event.preventDefault();
      picture.scroll(distancePx);
    },
    { signal, passive: false },
  );
  canvas.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      last = event.clientX;
      hasMoved = false;
    },
    { signal },
  );
  canvas.addEventListener(
    "pointermove",
    (event) => {
      if (event.pointerType === "mouse") onHover(event.offsetX);
      if (last === undefined) return;
      hasMoved ||= Math.abs(event.clientX - last) >= clickPx;
      if (!hasMoved) return;
      picture.scroll(last - event.clientX);
      last = event.clientX;
    },
    { signal },
  );
  for (const type of ["pointerup", "pointercancel"] as const) {
    canvas.addEventListener(
      type,
      () => {
        last = undefined;
      },
      { signal },
    );
  }
  canvas.addEventListener("pointerleave", () => onHover(undefined), { signal });
  return () => abort.abort();
}
