/** How many positives and negatives have which score: two bars side by side in each bin. */
import type { MiningReport } from "nearmiss/negatives";
import { at, drawing, type Frame, linear, xAxis, yAxis } from "../../compare/report/svg.ts";

export function histogramPlot({ histogram }: MiningReport): string {
  const { edges, positives, negatives } = histogram;
  const frame: Frame = { width: 720, height: 320, left: 64, right: 20, top: 28, bottom: 48 };
  const most = Math.max(1, ...positives, ...negatives);
  const x = linear([edges[0] ?? 0, edges.at(-1) ?? 1], [frame.left, frame.width - frame.right]);
  const y = linear([0, most], [frame.height - frame.bottom, frame.top]);
  const bar = (series: "baseline" | "other", from: number, to: number, count: number, about: string) =>
    count === 0
      ? ""
      : `<rect class="${series}" x="${at(from)}" y="${at(y(count))}" width="${at(Math.max(1, to - from))}" height="${at(y(0) - y(count))}"><title>${about}</title></rect>`;
  const bars = positives.map((count, i) => {
    const [low, high] = [x(edges[i]!), x(edges[i + 1]!)];
    const middle = (low + high) / 2;
    const range = `${edges[i]!.toFixed(3)} to ${edges[i + 1]!.toFixed(3)}`;
    return (
      bar("baseline", low + 1, middle, count, `${count} positives with a score of ${range}`) +
      bar("other", middle, high - 1, negatives[i]!, `${negatives[i]} negatives with a score of ${range}`)
    );
  });
  return drawing(
    "scores",
    frame,
    "Scores of positives and of mined negatives",
    `${positives.reduce((a, b) => a + b, 0)} positives and ${negatives.reduce((a, b) => a + b, 0)} negatives in ${positives.length} bins.`,
    xAxis(x, frame, "score") + yAxis(y, frame, "count") + bars.join(""),
  );
}
