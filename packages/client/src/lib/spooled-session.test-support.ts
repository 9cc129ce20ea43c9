import type { AckServer } from "./ack-server.test-support.ts";
import { FakeClock } from "./fake-clock.test-support.ts";
import { createSession } from "./node-session.ts";
import type { Session, SessionOptions } from "./session.ts";
import { makePayload, optionsFor, StateWatch } from "./session-events.test-support.ts";
import { SpoolBench } from "./spool.test-support.ts";
import type { Spool } from "./spool.ts";

/** Room for three frames of 44 bytes. */
export const threeFrames = { maxBytes: 3 * 44 };

/** A bench that goes with its scope. */
export async function makeBench() {
  const bench = await SpoolBench.create();
  return Object.assign(bench, { [Symbol.asyncDispose]: () => bench.close() });
}

/** Writes frames `from` to `to - 1`, each filled with its own number. @returns whether each found room */
export function writeFrames(session: Session, from: number, to: number): boolean {
  return Array.from({ length: to - from }, (_, index) => session.writeFrame(makePayload(from + index))).every(
    (waiting) => waiting === undefined,
  );
}

/** A session on a clock of the test's, open. */
export async function openSession(server: AckServer, spool: Spool, options: Partial<SessionOptions> = {}) {
  const clock = new FakeClock();
  const watch = new StateWatch();
  const session = createSession(
    optionsFor(server.url, {
      clock,
      spool,
      hwid: "mic",
      onState: watch.onState,
      onProgress: watch.onProgress,
      random: () => 0.5,
      window: threeFrames,
      ...options,
    }),
  );
  const peer = await server.next();
  await peer.welcome({ session: 1n });
  await watch.reached("open", session);
  return { clock, watch, session, peer };
}

export interface Opened {
  readonly session: Session;
  readonly clock: FakeClock;
  readonly watch: StateWatch;
}

/** Lets a session that waits connect again. */
export async function reconnect(server: AckServer, { session, clock, watch }: Opened): Promise<void> {
  const linkOf = () => (session.state.kind === "finishing" ? session.state.link : session.state);
  await watch.until(() => linkOf().kind === "waiting");
  server.refusesWith = 0;
  const link = linkOf();
  if (link.kind === "waiting") clock.advance(link.untilMs - clock.wallMs());
}
