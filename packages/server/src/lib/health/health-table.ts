import { healthRules } from "./health-conditions.ts";

/** The table of conditions in docs/events.md, in Markdown. */
export function formatHealthTable(): string {
  const head = ["condition", "what it says", "measure", "bad from", "good below", "segments to hold", "to leave"];
  const rows = healthRules.map(({ condition, meaning, measure, enterAt, leaveBelow, badCount, goodCount }) => [
    `\`${condition}\``,
    ...[meaning, measure, enterAt, leaveBelow, badCount, goodCount].map(String),
  ]);
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |\n`).join("");
}
