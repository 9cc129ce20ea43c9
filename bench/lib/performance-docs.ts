import { formatCurveChart, placedFigures } from "./curve-chart.ts";
import { type Figure, formatGoal, formatSpread, formatValue, meetsGoal } from "./figure.ts";
import type { Machine } from "./machine.ts";
import type { ResultFile } from "./result-file.ts";

/** Results that are kept in docs/performance; one that was never measured is `undefined`. */
export interface KeptResults {
  /** `npm run bench -- goals --json docs/performance/goals.json` */
  readonly goals: ResultFile | undefined;
  /** `npm run bench -- curves --json docs/performance/curves.json` */
  readonly curves: ResultFile | undefined;
  /** `npm run bench -- catalog --segments 10000000 --json docs/performance/catalog.json` */
  readonly catalog: ResultFile | undefined;
}

/** What a script puts between the markers of a page, by the marker's name. */
export type Sections = Readonly<Record<string, string>>;

/** Sections of docs/performance.md. */
export function performanceSections({ goals, curves, catalog }: KeptResults): Sections {
  return {
    goals: goals === undefined ? "" : `${formatOrigin(goals)}\n\n${formatGoals(goals.figures)}`,
    catalog: catalog === undefined ? "" : `${formatOrigin(catalog)}\n\n${formatGoals(catalog.figures)}`,
    figures: goals === undefined ? "" : formatOthers(goals.figures),
    curves:
      curves === undefined
        ? ""
        : `${formatOrigin(curves)}\n\n![${chartTexts.title}](performance/curves.svg)\n\n${formatCurves(curves.figures)}`,
  };
}

/** Sections of README.md. */
export function readmeSections({ goals }: KeptResults): Sections {
  return { performance: goals === undefined ? "" : formatReadme(goals) };
}

const chartTexts = {
  title: "CPU per frame against streams at once",
  xLabel: "streams at once, 20 ms frames in real time",
  yLabel: "us of CPU per frame, whole process tree (both axes logarithmic)",
};

/** The picture docs/performance/curves.svg. */
export function curvesPicture({ figures }: ResultFile): string {
  return formatCurveChart(placedFigures(figures), chartTexts);
}

/**
 * Puts sections between their markers, `<!-- bench NAME: begin -->` and `<!-- bench NAME: end -->`.
 *
 * @throws Error when a marker is missing
 */
export function insertSections(page: string, sections: Sections): string {
  return Object.entries(sections).reduce((text, [name, content]) => {
    const [begin, end] = [`<!-- bench ${name}: begin -->\n`, `<!-- bench ${name}: end -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`there is no ${begin.trim()} with its end behind it`);
    const inner = content === "" ? "" : `\n${content.trim()}\n\n`;
    return `${text.slice(0, from + begin.length)}${inner}${text.slice(to)}`;
  }, page);
}

/** One line that says what was measured, where and when. */
function formatOrigin({ at, commit, machine }: ResultFile): string {
  return `Measured on ${at.slice(0, 10)}, commit ${commit}: ${formatMachine(machine)}.`;
}

function formatMachine({ processor, coreCount, memoryGiB, system, node, loadBefore }: Machine): string {
  return `${processor}, ${coreCount} cores, ${memoryGiB} GiB, ${system}, Node ${node.replace("v", "")}, load ${loadBefore.toFixed(1)} before`;
}

function formatGoals(figures: readonly Figure[]): string {
  const rows = figures
    .filter(({ goal }) => goal !== undefined)
    .map((figure) => [
      figure.name,
      formatFound(figure),
      formatGoal(figure).replace(/^<=/, "at most").replace(/^>=/, "at least"),
      meetsGoal(figure) === true ? "yes" : "**no**",
    ]);
  return formatTable(["what", "found", "goal", "met"], rows);
}

function formatOthers(figures: readonly Figure[]): string {
  const rows = figures.filter(({ goal }) => goal === undefined).map((figure) => [figure.name, formatFound(figure)]);
  return formatTable(["what", "found"], rows);
}

function formatFound(figure: Figure): string {
  const spread = formatSpread(figure);
  return spread === "" ? formatValue(figure) : `${formatValue(figure)} (${spread})`;
}

function formatCurves(figures: readonly Figure[]): string {
  const placed = placedFigures(figures);
  const lines = [...new Set(placed.map(({ point }) => point.line))];
  const counts = [...new Set(placed.map(({ point }) => point.at))].sort((a, b) => a - b);
  const rows = counts.map((at) => [
    at.toLocaleString("en"),
    ...lines.map((line) => {
      const figure = placed.find(({ point }) => point.line === line && point.at === at);
      return figure === undefined ? "" : formatValue(figure);
    }),
  ]);
  return formatTable(["streams", ...lines], rows);
}

/** The few figures that README shows: by the end of their names, which the suite gives them. */
const readmeRows: readonly (readonly [text: string, name: RegExp])[] = [
  ["processor time per frame against a server that only counts frames", /CPU per frame, eet against null-ws$/],
  [
    "the same against what is written first: each frame to its files as it comes",
    /CPU per frame, eet against naive-ws$/,
  ],
  [
    "streams of 20 ms frames that one core carries, acknowledged in time",
    /streams of 20 ms frames that one core carries$/,
  ],
  ["memory per stream, after ten minutes", /^steady.*RSS per stream over idle$/],
  ["99 of 100 answers of the API while segments close and upload, within", /^serving.*API p99$/],
  ["deriving a segment's files, times real time, one core", /^finishing adpcm: real time per core$/],
  ["10 000 segments that a killed server left are finished after", /^recovery of 10000: until all is finished$/],
];

function formatReadme(result: ResultFile): string {
  const rows = readmeRows.flatMap(([text, pattern]) => {
    // Of several fleets the largest, which comes last.
    const figure = result.figures.findLast(({ name }) => pattern.test(name));
    return figure === undefined ? [] : [[text, formatFound(figure)]];
  });
  return `## What it costs\n\n${formatTable(["what", "found"], rows)}\n\n${formatOrigin(result)} All figures, goals and how they are made: [docs/performance.md](docs/performance.md).`;
}

function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
