import type { ArchiveModel } from "./archive-model.ts";
import { lengthOf } from "./time-view.ts";

/** Pointer moves that are still a click, CSS px. */
const clickPx = 4;
/** The upper part, axis and coverage, is what one holds to move; below one selects. */
const gripPx = 46;
const wheelFactor = 1.0016;

interface Press {
  readonly x: number;
  readonly timeMs: number;
  readonly isGrip: boolean;
  /** Where the pointer was last. */
  last: number;
  hasMoved: boolean;
}

/** Wheel and two fingers zoom, dragging moves or selects, a click plays. */
export class ArchivePointer {
  readonly #canvas: HTMLCanvasElement;
  readonly #model: ArchiveModel;
  readonly #abort = new AbortController();
  /** Pointers that are down. */
  readonly #presses = new Map<number, Press>();

  constructor(canvas: HTMLCanvasElement, model: ArchiveModel) {
    this.#canvas = canvas;
    this.#model = model;
    const { signal } = this.#abort;
    canvas.addEventListener("wheel", (event) => this.#turn(event), { signal, passive: false });
    canvas.addEventListener("pointerdown", (event) => this.#press(event), { signal });
    canvas.addEventListener("pointermove", (event) => this.#move(event), { signal });
    canvas.addEventListener("pointerup", (event) => this.#release(event, true), { signal });
    canvas.addEventListener("pointercancel", (event) => this.#release(event, false), { signal });
    canvas.addEventListener("pointerleave", () => this.#leave(), { signal });
  }

  close(): void {
    this.#abort.abort();
  }

  #timeAt(clientX: number): number {
    const { left, width } = this.#canvas.getBoundingClientRect();
    const view = this.#model.view.peek();
    return view.fromMs + ((clientX - left) / width) * lengthOf(view);
  }

  #turn(event: WheelEvent): void {
    event.preventDefault();
    const isSideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (isSideways || event.shiftKey) this.#model.pan((event.deltaX + event.deltaY) / this.#canvas.clientWidth);
    else this.#model.zoom(wheelFactor ** event.deltaY, this.#timeAt(event.clientX));
  }

  #press(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.#canvas.setPointerCapture(event.pointerId);
    const isGrip = event.offsetY < gripPx || event.pointerType === "touch";
    const { clientX } = event;
    const hasMoved = this.#presses.size > 0;
    for (const other of this.#presses.values()) other.hasMoved = true;
    this.#presses.set(event.pointerId, { x: clientX, timeMs: this.#timeAt(clientX), isGrip, last: clientX, hasMoved });
  }

  #move({ clientX, pointerId, pointerType }: PointerEvent): void {
    if (pointerType === "mouse") this.#model.hoverMs.value = this.#timeAt(clientX);
    const press = this.#presses.get(pointerId);
    if (press === undefined) return;
    press.hasMoved ||= Math.abs(clientX - press.x) >= clickPx;
    const other = [...this.#presses.values()].find((one) => one !== press);
    if (other !== undefined) {
      this.#pinch(press, other, clientX);
    } else if (press.hasMoved && press.isGrip) {
      this.#model.pan((press.last - clientX) / this.#canvas.clientWidth);
    } else if (press.hasMoved) {
      const timeMs = this.#timeAt(clientX);
      const [fromMs, toMs] = [Math.min(press.timeMs, timeMs), Math.max(press.timeMs, timeMs)];
      this.#model.selection.value = { fromMs, toMs };
    }
    press.last = clientX;
  }

  /** What lies below each of two fingers stays there. */
  #pinch(press: Press, other: Press, clientX: number): void {
    const before = Math.abs(press.last - other.last);
    const after = Math.abs(clientX - other.last);
    if (before < clickPx || after < clickPx) return;
    this.#model.zoom(before / after, this.#timeAt(other.last));
  }

  #release({ pointerId }: PointerEvent, isClick: boolean): void {
    const press = this.#presses.get(pointerId);
    this.#presses.delete(pointerId);
    if (press !== undefined && isClick && !press.hasMoved) this.#model.playFrom(press.timeMs);
  }

  #leave(): void {
    this.#model.hoverMs.value = undefined;
  }
}
