import { computed, signal } from "@preact/signals";
import { storedChoice } from "../shell/stored-choice.ts";

/** Percent, as a person set it. */
const storedVolume = storedChoice("volume", ["80", "0", "5", "10", "20", "30", "40", "50", "60", "70", "90", "100"]);
const volumes = [0, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100] as const;

/** Whether nothing is to be heard, until the page is left. */
export const isMuted = signal(false);
/** How loud it is played, percent; remembered. */
export const volume = computed(() => Number(storedVolume.value));

/** Takes the nearest step. */
export function setVolume(percent: number): void {
  const nearest = volumes.reduce((best, one) => (Math.abs(one - percent) < Math.abs(best - percent) ? one : best), 0);
  storedVolume.value = String(nearest) as (typeof storedVolume)["value"];
  isMuted.value = false;
}
