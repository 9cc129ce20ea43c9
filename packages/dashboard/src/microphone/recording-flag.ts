import { signal } from "@preact/signals";

/** Whether this page records at the moment: the bar on top shows it in every view. */
export const isRecordingHere = signal(false);
