/**
 * All objectives with an interval each, best first: of their metric, where a dashed line marks the baseline's mean,
 * or of their difference from the baseline, where it marks none at all.
 */
import type { Comparison } from "../comparison.ts";
import { between, ranked } from "../text.ts";
import { at, drawing, escapeText, extent, type Frame, linear, mark, xAxis } from "./svg.ts";

const ROW = 28;

export function intervalPlot(comparison: Comparison, of: "metric" | "difference"): string {
  const { metric, baseline, recommendation } = comparison;
  const rows = ranked(comparison).filter(({ difference }) => of === "metric" || difference);
  const frame: Frame = {
    width: 720,
    height: 12 + rows.length * ROW + 48,
    left: 210,
    right: 20,
    top: 8,
    bottom: 48,
  };
  const intervals = rows.map(({ metrics, difference }) =>
    of === "metric" ? metrics[metric.name] : difference!,
  );
  const ends = intervals.flatMap(({ estimate, low, high }) => [estimate, low, high]);
  const x = linear(extent(of === "metric" ? ends : [0, ...ends]), [frame.left, frame.width - frame.right]);
  const mean = rows.find(({ name }) => name === baseline)?.metrics[metric.name].estimate;
  const reference = of === "metric" ? mean : 0;
  const line =
    reference === undefined
      ? ""
      : `<line class="reference" x1="${at(x(reference))}" x2="${at(x(reference))}" y1="${frame.top}" y2="${frame.height - frame.bottom}"/>`;
  const body = rows.map(({ name }, i) => {
    const { estimate, low, high } = intervals[i];
    const y = frame.top + (i + 0.5) * ROW;
    const series = name === baseline ? "baseline" : "other";
    const weight = name === baseline || name === recommendation?.objective ? ' font-weight="700"' : "";
    const whiskers = Number.isFinite(low)
      ? `<line class="${series} whisker" x1="${at(x(low))}" x2="${at(x(high))}" y1="${y}" y2="${y}"/>`
      : "";
    const about = `${name}: ${between(intervals[i], of === "difference")}`;
    return `<text class="name" x="${frame.left - 14}" y="${y + 4}" text-anchor="end"${weight}>${escapeText(name)}</text>${whiskers}${mark(series, x(estimate), y, 5, about)}`;
  });
  const what =
    of === "metric"
      ? metric.label
      : `difference in ${metric.label}, objective less ${baseline}, paired by seed`;
  const title = `${what}: mean and 95 % interval of ${rows.length} objectives`;
  const about = `Best first: ${rows.map(({ name }, i) => `${name} ${between(intervals[i], of === "difference")}`).join("; ")}.`;
  const name = of === "metric" ? metric.label : `difference in ${metric.label}`;
  const axis = xAxis(x, frame, `${name} (${metric.better} is better)`);
  return drawing(`intervals-${of}`, frame, title, about, axis + line + body.join(""));
}
