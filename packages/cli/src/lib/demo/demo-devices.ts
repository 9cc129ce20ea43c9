import type { NibbleOrder } from "@eet/audio";
import type { Codec } from "@eet/protocol";
import type { SimulatedKind } from "@eet/server";

/** A device of the demo: what it plays, how it sends it, what people call it. */
export interface DemoDevice {
  readonly hwid: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly kind: SimulatedKind;
  readonly codec: Codec;
  readonly nibbleOrder: NibbleOrder;
  /** One line for the list of devices. */
  readonly description: string;
}

/** Devices that show what differs in the field: sounds, codecs, the order of nibbles, and what goes wrong. */
export const demoDevices: readonly DemoDevice[] = [
  {
    ...{ hwid: "kitchen", name: "Kitchen", tags: ["house"] },
    ...{ kind: "voice", codec: "adpcm", nibbleOrder: "low" },
    description: "a voice, ADPCM, low nibble first",
  },
  {
    ...{ hwid: "hallway", name: "Hallway", tags: ["house"] },
    ...{ kind: "voice", codec: "adpcm", nibbleOrder: "high" },
    description: "a voice, ADPCM, high nibble first, as it tells the server",
  },
  {
    ...{ hwid: "garden", name: "Garden hedge", tags: ["outdoors"] },
    ...{ kind: "birds", codec: "pcm16", nibbleOrder: "low" },
    description: "birds in the wind, PCM",
  },
  {
    ...{ hwid: "orchard", name: "Orchard", tags: ["outdoors", "radio link"] },
    ...{ kind: "gaps", codec: "adpcm", nibbleOrder: "low" },
    description: "birds over a bad link, with gaps; without acknowledgements",
  },
  {
    ...{ hwid: "pump-2", name: "Pump 2", tags: ["machines"] },
    ...{ kind: "machine", codec: "adpcm", nibbleOrder: "low" },
    description: "a machine with a bearing that knocks, ADPCM",
  },
  {
    ...{ hwid: "workshop", name: "Workshop", tags: ["machines"] },
    ...{ kind: "clipping", codec: "pcm16", nibbleOrder: "low" },
    description: "a machine too close to the microphone: it clips, PCM",
  },
  {
    ...{ hwid: "cellar", name: "Cellar", tags: ["house"] },
    ...{ kind: "silent", codec: "adpcm", nibbleOrder: "low" },
    description: "a microphone that hears nothing, ADPCM",
  },
];
