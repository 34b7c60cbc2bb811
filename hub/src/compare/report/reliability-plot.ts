/** Confidence against accuracy on the rows held back: the closer to the diagonal, the better calibrated. */
import type { HeldBack, HeldBackResult } from "../comparison.ts";
import { at, drawing, type Frame, linear, mark, type Series, xAxis, yAxis } from "./svg.ts";

export function reliabilityPlot({ results, rows }: HeldBack): string {
  const frame: Frame = { width: 460, height: 440, left: 48, right: 16, top: 28, bottom: 48 };
  const x = linear([0, 1], [frame.left, frame.width - frame.right]);
  const y = linear([0, 1], [frame.height - frame.bottom, frame.top]);
  const diagonal = `<line class="reference" x1="${at(x(0))}" y1="${at(y(0))}" x2="${at(x(1))}" y2="${at(y(1))}"/>`;
  const largest = Math.max(...results.flatMap(({ reliability }) => reliability!.map(({ count }) => count)));
  const draw = ({ objective, reliability }: HeldBackResult, series: Series) => {
    const points = reliability!.map(({ confidence, accuracy }) => `${at(x(confidence))},${at(y(accuracy))}`);
    const marks = reliability!.map(({ confidence, accuracy, count }) =>
      mark(
        series,
        x(confidence),
        y(accuracy),
        3 + 7 * Math.sqrt(count / largest),
        `${objective}: ${count} rows, confidence ${confidence.toFixed(2)}, accuracy ${accuracy.toFixed(2)}`,
      ),
    );
    return `<polyline class="${series} line" points="${points.join(" ")}"/>${marks.join("")}`;
  };
  const body = results.map((result, i) => draw(result, i === 0 ? "baseline" : "other"));
  const about = results
    .map(
      ({ objective, reliability }) =>
        `${objective}: ${reliability!.map(({ confidence, accuracy, count }) => `confidence ${confidence.toFixed(2)}, accuracy ${accuracy.toFixed(2)}, ${count} rows`).join("; ")}`,
    )
    .join(". ");
  return drawing(
    "reliability",
    frame,
    `Reliability diagram of ${rows} rows held back`,
    about,
    xAxis(x, frame, "confidence of the prediction") +
      yAxis(y, frame, "share that was right") +
      diagonal +
      body.join(""),
  );
}
