/** What a segment's name and folder are made of. */
export interface SegmentNaming {
  readonly hwid: string | null;
  readonly streamId: number;
  readonly session: string;
  readonly index: number;
  /** UTC time of the segment's first sample, ms since 1970. */
  readonly startMs: number;
}

/** Endings of a segment's files. `open` marks a segment that is not finished yet. [S-1.1] */
export const segmentEndings = {
  bin: ".bin",
  binPart: ".bin.part",
  wav: ".wav",
  wavPart: ".wav.part",
  json: ".json",
  jsonPart: ".json.part",
  open: ".open.json",
} as const;

/**
 * Name of a segment's files without ending: `stream_{streamId}_{hwid}_{yyyyMMdd_HHmmss}_{session}-{index}`. [S-1.1]
 */
export function formatSegmentName(naming: SegmentNaming): string {
  const { yyyy, MM, dd, HH, mm, ss } = dateFields(naming.startMs);
  const device = naming.hwid === null ? "" : `${naming.hwid}_`;
  return `stream_${naming.streamId}_${device}${yyyy}${MM}${dd}_${HH}${mm}${ss}_${naming.session}-${naming.index}`;
}

/**
 * Folder of a segment, relative to `data/received`.
 *
 * @param template - `/`-separated, with the tokens `{hwid}` `{yyyy}` `{MM}` `{dd}` `{HH}` `{streamId}`; path parts that
 *   come out empty (no hwid) are left out
 */
export function formatSegmentFolder(template: string, naming: SegmentNaming): string {
  const { yyyy, MM, dd, HH } = dateFields(naming.startMs);
  const values: Readonly<Record<string, string>> = {
    hwid: naming.hwid ?? "",
    streamId: String(naming.streamId),
    yyyy,
    MM,
    dd,
    HH,
  };
  const filled = template.replaceAll(/\{(\w+)\}/g, (token, key: string) => values[key] ?? token);
  return filled
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

function dateFields(ms: number): Record<"yyyy" | "MM" | "dd" | "HH" | "mm" | "ss", string> {
  const iso = new Date(ms).toISOString();
  return {
    yyyy: iso.slice(0, 4),
    MM: iso.slice(5, 7),
    dd: iso.slice(8, 10),
    HH: iso.slice(11, 13),
    mm: iso.slice(14, 16),
    ss: iso.slice(17, 19),
  };
}
