// Asks a server's API by the clock, in a process of its own: a load that is busy would add its own lateness. Gets the port as
// argument; answers the first message with what it found.
import { Agent, get } from "node:http";
import type { ApiProbe } from "./api-prober.ts";

const intervalMs = 40;
const paths = ["/api/v1/devices?limit=100", "/healthz"] as const;

const port = Number(process.argv[2]);
const agent = new Agent({ keepAlive: true });
const latenciesMs: number[] = [];
let [askedCount, errorCount] = [0, 0];

const timer = setInterval(() => {
  const path = paths[askedCount++ % paths.length];
  const startMs = performance.now();
  const request = get({ host: "127.0.0.1", port, path, agent }, (answer) => {
    answer.resume().on("end", () => {
      latenciesMs.push(performance.now() - startMs);
      if (answer.statusCode !== 200) errorCount += 1;
    });
  });
  request.on("error", () => {
    errorCount += 1;
  });
}, intervalMs);

process.once("message", () => {
  clearInterval(timer);
  const probe: ApiProbe = { latenciesMs, errorCount };
  process.send?.(probe, () => process.exit());
});
process.send?.("asking");
