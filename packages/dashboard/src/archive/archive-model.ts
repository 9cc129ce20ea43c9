import { effect, signal } from "@preact/signals";
import { ApiError, deleteApi, describeError, writeApi } from "../api/api-client.ts";
import { isReachable } from "../api/page-live.ts";
import { readRecordings } from "../device/recordings.ts";
import { type ArchivePicture, type ArchiveSource, findAudio, type Pin, readPicture, readPins } from "./archive-data.ts";
import { ArchivePlayer } from "./archive-player.ts";
import { lengthOf, panSpan, type TimeSpan, unitInPlaceOf, type ViewUnit, zoomSpan } from "./time-view.ts";

/** Moving about asks for nothing until it rests. */
const restMs = 140;
/** What is recorded meanwhile appears. */
const refreshMs = 15_000;
/** A server that is away is asked again. */
const retryMs = 3_000;
/** Of the view, when what is played leaves it. */
const followShare = 0.9;
const skipMs = 10_000;

/** What is looked at of a device's recordings, and what is heard. */
export class ArchiveModel {
  readonly hwid: string;
  readonly player: ArchivePlayer;
  readonly view;
  readonly picture = signal<ArchivePicture | undefined>(undefined);
  readonly isLoading = signal(true);
  /** Whether there is anything to be played at all. */
  readonly hasRecordings;
  readonly problem = signal("");
  /** `undefined`: the device has one stream. */
  readonly streamId;
  readonly pins = signal<readonly Pin[]>([]);
  readonly selection = signal<TimeSpan | undefined>(undefined);
  /** Where playing begins. */
  readonly cursorMs = signal<number | undefined>(undefined);
  readonly hoverMs = signal<number | undefined>(undefined);
  widthPx = 1_000;
  #heardMs = 0;
  /** As the address tells it. */
  #told = "";
  #abort = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #stopFollowing;

  /** @param hasRecordings - when the view was opened */
  constructor({ hwid, streamId }: ArchiveSource, view: TimeSpan, hasRecordings: boolean) {
    this.hwid = hwid;
    this.hasRecordings = signal(hasRecordings);
    this.streamId = signal(streamId);
    this.player = new ArchivePlayer(() => this.source);
    this.view = signal(view);
    this.#stopFollowing = effect(() => {
      void this.view.value;
      void this.streamId.value;
      this.#schedule(restMs);
    });
    void this.#readPins();
  }

  /** Whose recordings are shown. */
  get source(): ArchiveSource {
    return { hwid: this.hwid, streamId: this.streamId.peek() };
  }

  /** Shows another stream of the device. */
  choose(streamId: number): void {
    this.player.stop();
    this.picture.value = undefined;
    this.streamId.value = streamId;
  }

  zoom(factor: number, anchorMs = (this.view.peek().fromMs + this.view.peek().toMs) / 2): void {
    this.view.value = zoomSpan(this.view.peek(), factor, anchorMs);
  }

  pan(share: number): void {
    this.view.value = panSpan(this.view.peek(), share);
  }

  /** Shows the minute, hour, day, week, month or year around what is shown, up to now at most. */
  showUnit(unit: ViewUnit): void {
    this.view.value = unitInPlaceOf(this.view.peek(), unit, Date.now());
  }

  /** Shows the end of what is recorded. @param lastMs - where it was when the view was opened */
  async showLatest(lastMs: number): Promise<void> {
    let endMs = lastMs;
    try {
      endMs = (await readRecordings(this.hwid, this.streamId.peek()))?.endMs ?? lastMs;
    } catch {
      // The bar tells that the server is away.
    }
    this.view.value = { fromMs: endMs - lengthOf(this.view.peek()), toMs: endMs };
  }

  /** Shows where recordings begin behind what is shown, else their end. */
  async showNext(lastMs: number): Promise<void> {
    const { fromMs, toMs } = this.view.peek();
    const next = await findAudio(this.source, { fromMs: toMs, maxHoleMs: 0 }).catch(() => undefined);
    if (next === undefined) await this.showLatest(lastMs);
    else this.show(next.fromMs + (toMs - fromMs) * 0.4, toMs - fromMs);
  }

  /** Shows a moment in the middle, and so much time around it. */
  show(timeMs: number, lengthMs: number): void {
    this.view.value = { fromMs: timeMs - lengthMs / 2, toMs: timeMs + lengthMs / 2 };
  }

  /** Shows a moment in the middle, and plays from there next. */
  goTo(timeMs: number): void {
    this.show(timeMs, lengthOf(this.view.peek()));
    this.cursorMs.value = timeMs;
  }

  toggle(): void {
    if (this.player.isHeld.peek()) this.player.resume();
    else if (this.player.isPlaying.peek()) this.pause();
    else this.play();
  }

  /** From where it stopped, the selection's start, or the left edge. */
  play(): void {
    const cursor = this.cursorMs.peek();
    this.#play(cursor ?? this.selection.peek()?.fromMs ?? this.view.peek().fromMs);
  }

  /** From a moment on: within the selection to its end, elsewhere without it. */
  playFrom(timeMs: number): void {
    if (!this.#isSelected(timeMs)) this.selection.value = undefined;
    this.cursorMs.value = timeMs;
    this.#play(timeMs);
  }

  #play(timeMs: number): void {
    const selection = this.selection.peek();
    const fromMs = selection === undefined || this.#isSelected(timeMs) ? timeMs : selection.fromMs;
    this.player.play(fromMs, selection?.toMs, this.picture.peek()?.sampleRateHz);
  }

  #isSelected(timeMs: number): boolean {
    const selection = this.selection.peek();
    return selection !== undefined && timeMs >= selection.fromMs && timeMs < selection.toMs;
  }

  pause(): void {
    this.cursorMs.value = this.player.positionMs ?? this.cursorMs.peek();
    this.player.stop();
  }

  /** Keeps what is heard in view. To be called while it plays. */
  follow(): void {
    const { positionMs } = this.player;
    const { fromMs, toMs } = this.view.peek();
    if (positionMs === undefined) return;
    const isJustBehind = positionMs >= toMs && this.#heardMs < toMs && this.#heardMs >= fromMs;
    this.#heardMs = positionMs;
    if (isJustBehind)
      this.view.value = {
        fromMs: positionMs - (toMs - fromMs) * (1 - followShare),
        toMs: positionMs + (toMs - fromMs) * followShare,
      };
  }

  /** Begins or ends the selection where playing stands, or in the middle of what is in view. */
  selectTo(edge: "from" | "to"): void {
    const { fromMs, toMs } = this.view.peek();
    const at = this.player.positionMs ?? this.cursorMs.peek() ?? (fromMs + toMs) / 2;
    const before = this.selection.peek() ?? this.view.peek();
    if (edge === "from") this.selection.value = { fromMs: at, toMs: before.toMs > at ? before.toMs : at + 1 };
    else this.selection.value = { fromMs: before.fromMs < at ? before.fromMs : at - 1, toMs: at };
  }

  /** Keeps the selection from retention. @throws ApiError, TypeError */
  async pin({ fromMs, toMs }: TimeSpan): Promise<void> {
    const range = { from: String(Math.round(fromMs)), to: String(Math.round(toMs)) };
    await writeApi("POST", `/devices/${this.hwid}/pins`, range);
    await this.#readPins();
  }

  /** Takes pins away. @throws ApiError, TypeError */
  async unpin(pins: readonly Pin[]): Promise<void> {
    for (const { id } of pins) await deleteApi(`/pins/${id}`);
    await this.#readPins();
  }

  /** By ten seconds. */
  skip(direction: 1 | -1): void {
    const at = this.player.positionMs ?? this.cursorMs.peek() ?? this.view.peek().fromMs;
    const isPlaying = this.player.isPlaying.peek();
    this.cursorMs.value = at + direction * skipMs;
    if (isPlaying) this.player.play(at + direction * skipMs, undefined, this.picture.peek()?.sampleRateHz);
  }

  close(): void {
    this.#stopFollowing();
    this.player.close();
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  #schedule(waitMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#load(), waitMs);
  }

  async #readPins(): Promise<void> {
    try {
      this.pins.value = await readPins(this.hwid);
    } catch (error) {
      this.problem.value = describeError(error);
    }
  }

  async #load(): Promise<void> {
    this.#abort.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.isLoading.value = true;
    this.#tellAddress();
    try {
      const showFirst = (picture: ArchivePicture) => {
        this.picture.value ??= picture;
      };
      const picture = await readPicture(this.source, this.view.peek(), this.widthPx, abort.signal, showFirst);
      this.picture.value = picture;
      if (picture.sampleRateHz !== undefined) this.hasRecordings.value = true;
      this.#note(picture.failure);
    } catch (error) {
      if (abort.signal.aborted) return;
      // What is shown stays.
      this.#note(error);
    }
    this.isLoading.value = false;
    const isNow = this.view.peek().toMs > Date.now() - refreshMs;
    if (!isReachable.peek()) this.#schedule(retryMs);
    else if (isNow || this.problem.peek() !== "") this.#schedule(refreshMs);
  }

  /** Tells what failed; `undefined`: nothing. That the server is away is told in the bar. */
  #note(failure: unknown): void {
    isReachable.value = failure === undefined || failure instanceof ApiError;
    this.problem.value = failure instanceof ApiError ? describeRefusal(failure) : "";
  }

  /** What is looked at, for who reloads the page or hands its address on. Browsers allow it some times a second only. */
  #tellAddress(): void {
    const { fromMs, toMs } = this.view.peek();
    const stream = this.streamId.peek() === undefined ? "" : `&stream=${this.streamId.peek()}`;
    const query = `?from=${Math.round(fromMs)}&to=${Math.round(toMs)}${stream}`;
    if (query === this.#told) return;
    try {
      history.replaceState(null, "", query);
      this.#told = query;
    } catch {
      // The next rest tells it.
    }
  }
}

function describeRefusal(failure: ApiError): string {
  if (failure.code !== "RANGE_MIXED") return describeError(failure);
  return "The format changes in view: levels are shown. Zoom in to one side for waveform and spectrum.";
}
