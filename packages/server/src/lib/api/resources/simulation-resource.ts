import Type, { type Static } from "typebox";
import { type RunningSimulation, simulatedLife } from "../../simulation/simulated-devices.ts";
import { kindDescriptions, simulatedKinds } from "../../simulation/sounds.ts";
import { formatTime } from "../time-parameter.ts";
import { Count, Time } from "./resource-schemas.ts";

const Kind = Type.Enum([...simulatedKinds]);

/** A simulated device that runs, as the API shows it. */
export const SimulatedDeviceResource = Type.Object(
  {
    hwid: Type.String({ description: "begins with demo-; it is recorded under this id like any other device" }),
    kind: Kind,
    description: Type.String({ description: "what it plays, for people" }),
    started: Time,
    ends: Type.String({ format: "date-time", description: "when it stops by itself" }),
  },
  { $id: "SimulatedDevice", additionalProperties: false },
);
export type SimulatedDevice = Static<typeof SimulatedDeviceResource>;

export const SimulatedDeviceList = Type.Object(
  {
    max_count: Type.Integer({ minimum: 0, description: "how many may run at once; 0: they are switched off" }),
    running: Count,
    devices: Type.Array(Type.Ref("SimulatedDevice")),
  },
  { $id: "SimulatedDeviceList", additionalProperties: false },
);
/** What the list of simulated devices tells. */
export interface SimulatedDeviceListing {
  readonly max_count: number;
  readonly running: number;
  readonly devices: readonly SimulatedDevice[];
}

/** What to start. */
export const NewSimulatedDevice = Type.Object(
  {
    kind: Type.Optional(
      Type.Enum([...simulatedKinds], { description: "what it plays; default: the first kind of which none runs" }),
    ),
    life_s: Type.Optional(
      Type.Integer({
        minimum: simulatedLife.minS,
        maximum: simulatedLife.maxS,
        default: simulatedLife.defaultS,
        description: "seconds until it stops by itself",
      }),
    ),
  },
  { additionalProperties: false },
);

/** Path parameter of a simulated device. */
export const SimulatedParams = Type.Object({
  hwid: Type.String({ pattern: "^[A-Za-z0-9_-]{1,64}$", description: "its id" }),
});

/** Writes a simulated device as the API shows it. */
export function formatSimulation({ hwid, kind, startedMs, endsMs }: RunningSimulation): SimulatedDevice {
  return { hwid, kind, description: kindDescriptions[kind], started: formatTime(startedMs), ends: formatTime(endsMs) };
}
