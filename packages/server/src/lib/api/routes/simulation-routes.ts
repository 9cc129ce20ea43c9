import { RequestError } from "../../kernel/errors.ts";
import { type ApiApp, emptyAnswer, jsonAnswer, problemAnswers } from "../api-app.ts";
import type { ApiSources } from "../api-sources.ts";
import { queryOf, unknownResource } from "../parameters.ts";
import { formatSimulation, NewSimulatedDevice, SimulatedParams } from "../resources/simulation-resource.ts";

type Sources = Pick<ApiSources, "simulation">;

/** `/simulated-devices`. */
export function addSimulationRoutes(app: ApiApp, { simulation }: Sources): void {
  const tags = ["server"];
  const listSchema = {
    ...{ operationId: "listSimulatedDevices", summary: "Simulated devices that run", tags, querystring: queryOf({}) },
    response: { 200: jsonAnswer("those that run, the oldest first", "SimulatedDeviceList"), ...problemAnswers },
  };
  app.get("/simulated-devices", { schema: listSchema }, async () => {
    const devices = simulation?.list().map(formatSimulation) ?? [];
    return { max_count: simulation?.maxCount ?? 0, running: devices.length, devices };
  });

  const startSchema = {
    operationId: "startSimulatedDevice",
    summary: "Start a simulated device",
    description:
      "The server plays it to its own entrance for devices, so it is recorded, shown and uploaded like any other. Its id " +
      "begins with demo-. It stops by itself. How many may run at once is a setting (Server:SimulatedDevices); 0 is off.",
    ...{ tags, querystring: queryOf({}), body: NewSimulatedDevice },
    response: { 201: jsonAnswer("the device", "SimulatedDevice"), ...problemAnswers },
  };
  app.post("/simulated-devices", { schema: startSchema }, async ({ body: { kind, life_s: lifeS } }, reply) => {
    if (simulation === undefined) {
      throw new RequestError("SIMULATION_OFF", "a folder that is read simulates nothing; ask a server");
    }
    const started = await simulation.start({ kind, lifeS });
    return reply.status(201).send(formatSimulation(started));
  });

  const stopSchema = {
    ...{ operationId: "stopSimulatedDevice", summary: "Stop a simulated device", tags, params: SimulatedParams },
    ...{ querystring: queryOf({}), response: { 204: emptyAnswer("it has stopped"), ...problemAnswers } },
  };
  app.delete("/simulated-devices/:hwid", { schema: stopSchema }, async ({ params: { hwid } }, reply) => {
    if ((await simulation?.stop(hwid)) !== true) throw unknownResource("the simulated device", hwid);
    return reply.status(204).send(null);
  });
}
