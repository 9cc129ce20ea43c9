import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatCurveChart, type PlacedFigure, placedFigures } from "./curve-chart.ts";

const texts = { title: 'CPU < "all" & more', xLabel: "streams", yLabel: "us" };
const pointOf = (line: string, at: number, value: number, spread?: readonly [number, number]): PlacedFigure => ({
  ...{ name: `${line} ${at}`, value, unit: "us", better: "less", point: { line, at } },
  ...(spread !== undefined && { spread }),
});
const figures = [10, 100, 2_000].flatMap((at) => [
  pointOf("eet", at, 400 / at + 5, [390 / at + 5, 410 / at + 6]),
  pointOf("null-ws", at, 300 / at + 5),
]);

/** Numbers of all attributes of that name. */
const numbersOf = (svg: string, attribute: string) =>
  [...svg.matchAll(new RegExp(` ${attribute}="([^"]+)"`, "g"))].map(([, value]) => Number(value));

describe("formatCurveChart", () => {
  it("draws each peer as a line with a point for each number of streams", () => {
    const svg = formatCurveChart(figures, texts);
    const curves = [...svg.matchAll(/class="curve line\d" d="([^"]+)"/g)].map(
      ([, path = ""]) => path.split("L").length,
    );
    assert.deepEqual(curves, [3, 3]);
    assert.equal(numbersOf(svg, "cx").length, figures.length);
    assert.equal(svg.match(/class="spread /g)?.length, 1, "where there were rounds");
  });

  it("keeps all that it draws inside of the picture", () => {
    const svg = formatCurveChart(figures, texts);
    const xs = [...numbersOf(svg, "x"), ...numbersOf(svg, "cx")];
    const ys = [...numbersOf(svg, "y"), ...numbersOf(svg, "cy")];
    assert.ok(xs.length > figures.length && ys.length > figures.length);
    assert.ok(xs.every((x) => x >= 0 && x < 760));
    assert.ok(ys.every((y) => y > 0 && y < 420));
  });

  it("puts what costs half as much the same way below, wherever it is", () => {
    const svg = formatCurveChart([pointOf("a", 10, 40), pointOf("a", 20, 20), pointOf("a", 40, 10)], texts);
    const [first = 0, second = 0, third = 0] = numbersOf(svg, "cy");
    assert.ok(Math.abs(second - first - (third - second)) <= 0.2, `${first}, ${second}, ${third}`);
  });

  it("moves names apart that end at the same place", () => {
    const svg = formatCurveChart([pointOf("a", 10, 5), pointOf("b", 10, 5), pointOf("c", 10, 5.01)], texts);
    const places = [...svg.matchAll(/y="([^"]+)" class="name/g)].map(([, y]) => Number(y)).sort((a, b) => a - b);
    assert.ok(places.every((place, index) => index === 0 || place - (places[index - 1] ?? 0) >= 18));
  });

  it("has colours for a dark page, and escapes what it is given", () => {
    const svg = formatCurveChart(figures, texts);
    assert.match(svg, /@media \(prefers-color-scheme:dark\)/);
    assert.match(svg, /<title>CPU &lt; &quot;all&quot; &amp; more<\/title>/);
    assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
  });

  it("draws nothing of nothing", () => {
    assert.throws(() => formatCurveChart([], texts), RangeError);
  });
});

describe("placedFigures", () => {
  it("leaves out what stands on no curve", () => {
    const { point: _point, ...loose } = figures[0]!;
    assert.deepEqual(placedFigures([loose, figures[1]!]), [figures[1]]);
  });
});
