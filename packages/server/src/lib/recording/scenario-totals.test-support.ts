/** What scenarios have brought about: a model that nothing happens to proves nothing. */
export class ScenarioTotals {
  scenarios = 0;
  frames = 0;
  acknowledged = 0;
  duplicates = 0;
  gaps = 0;
  segments = 0;
  /** Sessions whose seq has passed 2^32 - 1. */
  wrapped = 0;
  /** Sessions that a connection took over from another, or came back to in time. */
  takenOver = 0;
  /** Sessions that went on from what the disk held. */
  resumed = 0;
  refused = 0;
  /** Segments whose file failed. */
  failedFiles = 0;
  givenUp = 0;
  crashes = 0;
  powerCuts = 0;
  /** Sessions of which a crash has left nothing. */
  wipedOut = 0;

  add(others: ScenarioTotals): void {
    for (const name of Object.keys(others) as (keyof ScenarioTotals)[]) {
      if (name !== "add") this[name] += others[name];
    }
  }
}
