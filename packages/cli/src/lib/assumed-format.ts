import { limits } from "@eet/protocol";
import type { AssumedFormat } from "@eet/server";
import { type Command, Option } from "commander";
import { wholeNumber } from "./number-argument.ts";

/** Flags that stand for a missing sidecar. */
export interface AssumedFormatFlags {
  readonly rate?: number;
  readonly channels?: number;
  readonly frameSamples?: number;
  readonly nibbleOrder?: "low" | "high";
  readonly adpcmLayout?: "ms4" | "single";
}

/** Adds the flags that give the format of a `.bin` by hand. */
export function addAssumedFormatFlags(command: Command): Command {
  return command
    .option(
      "--rate <hz>",
      "sample rate, where no sidecar tells it",
      wholeNumber(limits.minSampleRateHz, limits.maxSampleRateHz),
    )
    .option("--channels <n>", "channels, where no sidecar tells them (default: 1)", wholeNumber(1, limits.maxChannels))
    .option("--frame-samples <n>", "samples per channel in a full frame (default: varies)", wholeNumber(1, 65_535))
    .addOption(
      new Option("--nibble-order <order>", "ADPCM nibble order, instead of looking for it").choices(["low", "high"]),
    )
    .addOption(new Option("--adpcm-layout <layout>", "layout of multichannel ADPCM").choices(["ms4", "single"]));
}

/** The flags as the server's tools take them. */
export function readAssumedFormat(flags: AssumedFormatFlags): AssumedFormat {
  return {
    ...(flags.rate !== undefined && { sampleRateHz: flags.rate }),
    ...(flags.channels !== undefined && { channels: flags.channels }),
    ...(flags.frameSamples !== undefined && { frameSampleCount: flags.frameSamples }),
    ...(flags.nibbleOrder !== undefined && { nibbleOrder: flags.nibbleOrder }),
    ...(flags.adpcmLayout !== undefined && { adpcmLayout: flags.adpcmLayout }),
  };
}
