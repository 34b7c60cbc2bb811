/** True against predicted numbers on rows held back: on the diagonal, a prediction is exact. */
import type { HeldBack } from "../comparison.ts";
import { at, drawing, extent, type Frame, linear, mark, xAxis, yAxis } from "./svg.ts";

export function scatterPlot({ results }: HeldBack, target: string): string {
  const frame: Frame = { width: 460, height: 440, left: 64, right: 16, top: 28, bottom: 48 };
  const values = extent(results.flatMap(({ scatter }) => scatter!.flat()));
  const x = linear(values, [frame.left, frame.width - frame.right]);
  const y = linear(values, [frame.height - frame.bottom, frame.top]);
  const [low, high] = x.domain;
  const diagonal = `<line class="reference" x1="${at(x(low))}" y1="${at(y(low))}" x2="${at(x(high))}" y2="${at(y(high))}"/>`;
  const points = results.map(({ scatter }, i) =>
    scatter!
      .map(([truth, predicted]) => mark(i === 0 ? "baseline" : "other", x(truth), y(predicted), 2.5))
      .join(""),
  );
  const title = `True and predicted values of ${results[0].scatter!.length} rows held back`;
  const about = results
    .map(({ objective, metrics }) => `${objective}: root mean squared error ${metrics.rmse.toPrecision(4)}`)
    .join("; ");
  const axes = xAxis(x, frame, `true ${target}`) + yAxis(y, frame, "predicted");
  return drawing("scatter", frame, title, about, axes + diagonal + points.join(""));
}
