/** The metric on validation rows while training: one line a seed, for the baseline and one other objective. */
import type { Comparison } from "../comparison.ts";
import { at, drawing, extent, type Frame, linear, xAxis, yAxis } from "./svg.ts";

export function curvesPlot({ trials, metric, baseline }: Comparison, other: string | undefined): string {
  const frame: Frame = { width: 720, height: 340, left: 64, right: 20, top: 28, bottom: 48 };
  const shown = trials.filter(({ objective }) => objective === baseline || objective === other);
  const points = shown.flatMap(({ curve }) => curve);
  const x = linear(
    [0, Math.max(1, ...points.map(([step]) => step))],
    [frame.left, frame.width - frame.right],
  );
  const y = linear(extent(points.map(([, value]) => value)), [frame.height - frame.bottom, frame.top]);
  const lines = shown.map(({ objective, seed, curve }) => {
    const series = objective === baseline ? "baseline" : "other";
    const path = curve.map(([step, value]) => `${at(x(step))},${at(y(value))}`).join(" ");
    return `<polyline class="${series} line thin" points="${path}"><title>${objective}, seed ${seed}</title></polyline>`;
  });
  const lengths = [baseline, ...(other ? [other] : [])].map((name) => {
    const own = shown.filter(({ objective }) => objective === name);
    return `${name}: ${own.length} lines, of ${own.map(({ steps }) => steps).join(", ")} steps`;
  });
  return drawing(
    "curves",
    frame,
    `${metric.label} on validation rows while training`,
    lengths.join("; "),
    xAxis(x, frame, "step") + yAxis(y, frame, metric.label) + lines.join(""),
  );
}
