import type { CurvePoint, Figure } from "./figure.ts";

/** A figure that stands on a curve. */
export interface PlacedFigure extends Figure {
  readonly point: CurvePoint;
}

/** What a chart is about. */
export interface ChartTexts {
  /** Read by those who do not see it, too. */
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
}

const size = { width: 760, height: 420 } as const;
const plot = { left: 64, right: 620, top: 56, bottom: 356 } as const;
const labelGap = 18;
const paddingShare = 0.04;

/** Colours of lines on white and on black, at least 4.5 to 1 each; dashes tell them apart without colours. */
const styles = [
  { light: "#0b6e69", dark: "#52cabf", dash: "" },
  { light: "#50565c", dark: "#a9b4ba", dash: "2 4" },
  { light: "#a83a06", dark: "#f2946a", dash: "9 4" },
  { light: "#4553b0", dark: "#a3adf5", dash: "9 3 2 3" },
] as const;

/** Figures that stand on a curve, of all. */
export function placedFigures(figures: readonly Figure[]): readonly PlacedFigure[] {
  return figures.filter((figure): figure is PlacedFigure => figure.point !== undefined);
}

/**
 * Draws curves as an SVG that stands by itself, on a light page and on a dark one. Both axes are logarithmic: what costs half
 * as much lies the same way below, wherever it is. A thin line through a point is the spread of its rounds.
 *
 * @throws RangeError when there is nothing to draw
 */
export function formatCurveChart(figures: readonly PlacedFigure[], { title, xLabel, yLabel }: ChartTexts): string {
  const xs = [...new Set(figures.map(({ point }) => point.at))].sort((a, b) => a - b);
  const values = figures.flatMap(({ value, spread = [] }) => [value, ...spread]);
  if (values.length === 0) throw new RangeError("there is nothing to draw");
  const x = logScale([Math.min(...xs), Math.max(...xs)], [plot.left, plot.right]);
  const y = logScale([Math.min(...values), Math.max(...values)], [plot.bottom, plot.top]);
  const lines = [...Map.groupBy(figures, ({ point }) => point.line)];
  const ends = spreadLabels(lines.map(([, points]) => y(points.at(-1)?.value ?? Number.NaN)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${escapeXml(title)}">`,
    `<title>${escapeXml(title)}</title>`,
    formatStyle(lines.length),
    `<rect class="page" width="${size.width}" height="${size.height}"/>`,
    text(plot.left, 28, title, "title"),
    ...valueTicks(values).map((value) => gridLine(y(value), String(value))),
    ...xs.map((at) => text(x(at), plot.bottom + 20, at.toLocaleString("en"), "tick middle")),
    text((plot.left + plot.right) / 2, plot.bottom + 44, xLabel, "label middle"),
    text(plot.left, plot.top - 8, yLabel, "label"),
    ...lines.flatMap(([name, points], index) => [
      ...drawLine(points, index, x, y),
      text(plot.right + 14, (ends[index] ?? 0) + 4, name, `name ink${index}`),
    ]),
    "</svg>",
    "",
  ].join("\n");
}

type Scale = (value: number) => number;

function logScale([least, most]: readonly [number, number], [from, to]: readonly [number, number]): Scale {
  const padding = paddingShare * Math.max(Math.log(most / least), 1);
  const [low, high] = [Math.log(least) - padding, Math.log(most) + padding];
  return (value) => from + ((Math.log(value) - low) / (high - low)) * (to - from);
}

/** 1, 2, 5, 10, 20 ... as far as there are values. */
function valueTicks(values: readonly number[]): number[] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const decades = Array.from({ length: 13 }, (_, index) => 10 ** (index - 6));
  return decades
    .flatMap((decade) => [1, 2, 5].map((step) => Number((step * decade).toPrecision(1))))
    .filter((value) => value >= least && value <= most);
}

function gridLine(y: number, label: string): string {
  return `<path class="grid" d="M${plot.left} ${round(y)}H${plot.right}"/>${text(plot.left - 8, y + 4, label, "tick end")}`;
}

function drawLine(points: readonly PlacedFigure[], index: number, x: Scale, y: Scale): string[] {
  const places = points.map(({ point, value }) => `${round(x(point.at))} ${round(y(value))}`);
  const spreads = points.flatMap(({ point, spread }) =>
    spread === undefined ? [] : [`M${round(x(point.at))} ${round(y(spread[0]))}V${round(y(spread[1]))}`],
  );
  return [
    ...(spreads.length === 0 ? [] : [`<path class="spread line${index}" d="${spreads.join("")}"/>`]),
    `<path class="curve line${index}" d="M${places.join("L")}"/>`,
    ...points.map(({ point, value }) => {
      return `<circle class="fill${index}" cx="${round(x(point.at))}" cy="${round(y(value))}" r="3.5"/>`;
    }),
  ];
}

/** Moves labels apart that would lie on each other, in the order of their places. */
function spreadLabels(places: readonly number[]): readonly number[] {
  const order = places.map((_, index) => index).sort((a, b) => (places[a] ?? 0) - (places[b] ?? 0));
  const spread = [...places];
  let lowest = Number.NEGATIVE_INFINITY;
  for (const index of order) {
    lowest = Math.max(places[index] ?? 0, lowest + labelGap);
    spread[index] = lowest;
  }
  return spread;
}

function formatStyle(lineCount: number): string {
  const used = styles.slice(0, lineCount);
  const colours = (theme: "light" | "dark") =>
    used
      .map(({ [theme]: colour }, index) => `.line${index}{stroke:${colour}}.ink${index},.fill${index}{fill:${colour}}`)
      .join("");
  const dashes = used.map(({ dash }, index) => (dash === "" ? "" : `.curve.line${index}{stroke-dasharray:${dash}}`));
  return `<style>
text{font:13px system-ui,sans-serif;fill:#12181a}.title{font-size:16px;font-weight:600}.tick,.label{fill:#50565c}.name{font-weight:600}
.middle{text-anchor:middle}.end{text-anchor:end}.page{fill:#fff}.grid{stroke:#d9dfe0}.curve{fill:none;stroke-width:2}.spread{stroke-width:1}
${dashes.join("")}${colours("light")}
@media (prefers-color-scheme:dark){text{fill:#e8edee}.tick,.label{fill:#a9b4ba}.page{fill:#0d1112}.grid{stroke:#2c3539}${colours("dark")}}
</style>`;
}

function text(x: number, y: number, content: string, classes: string): string {
  return `<text x="${round(x)}" y="${round(y)}" class="${classes}">${escapeXml(content)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeXml(content: string): string {
  return content.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");
}
