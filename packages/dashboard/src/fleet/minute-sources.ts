import type { PastMessage } from "@eet/server/api-types";
import { apiPath, checkAnswer, type Query } from "../api/api-client.ts";
import { live } from "../api/page-live.ts";
import type { MinuteSources, PastAsk } from "./minute-reader.ts";

/** A refusal is told to nobody: after it no answer comes. */
const answerMs = 10_000;

/** Asks this page's server for what is recorded. */
export const minuteSources: MinuteSources = {
  readApi: async <Answer>(path: string, query: Query, signal: AbortSignal) => {
    const response = await checkAnswer(await fetch(apiPath(path, query), { signal, priority: "low" }));
    return (await response.json()) as Answer;
  },
  askPast,
  clockAheadMs: () => live.clockAheadMs,
};

function askPast(ask: PastAsk, signal: AbortSignal): Promise<PastMessage | undefined> {
  return new Promise((resolve) => {
    const end = (answer?: PastMessage) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      subscription.close();
      resolve(answer);
    };
    const onAbort = () => end();
    const timer = setTimeout(onAbort, answerMs);
    const subscription = live.subscribe(ask, {
      onMessage: (message) => {
        if (message.type === "past") end(message);
      },
      onBinary: () => {},
      onLost: onAbort,
    });
    signal.addEventListener("abort", onAbort);
  });
}
