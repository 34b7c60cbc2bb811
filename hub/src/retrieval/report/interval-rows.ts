/** Rows with an interval each, and a dashed line that they are compared with. */
import type { Interval } from "nearmiss/stats";
import {
  at,
  drawing,
  escapeText,
  extent,
  type Frame,
  linear,
  mark,
  type Series,
  xAxis,
} from "../../compare/report/svg.ts";
import { between } from "../../compare/text.ts";

export interface IntervalRow {
  name: string;
  interval: Interval;
  series: Series;
  bold?: boolean;
}

const ROW = 28;

export function intervalRows(
  id: string,
  {
    title,
    axis,
    reference,
    signed = false,
  }: { title: string; axis: string; reference?: number; signed?: boolean },
  rows: readonly IntervalRow[],
): string {
  const frame: Frame = {
    width: 720,
    height: 12 + rows.length * ROW + 48,
    left: 210,
    right: 20,
    top: 8,
    bottom: 48,
  };
  const ends = rows.flatMap(({ interval: { estimate, low, high } }) => [estimate, low, high]);
  const x = linear(extent(reference === undefined ? ends : [reference, ...ends]), [
    frame.left,
    frame.width - frame.right,
  ]);
  const line =
    reference === undefined
      ? ""
      : `<line class="reference" x1="${at(x(reference))}" x2="${at(x(reference))}" y1="${frame.top}" y2="${frame.height - frame.bottom}"/>`;
  const body = rows.map(({ name, interval, series, bold }, i) => {
    const { estimate, low, high } = interval;
    const y = frame.top + (i + 0.5) * ROW;
    const weight = bold ? ' font-weight="700"' : "";
    const whiskers = `<line class="${series} whisker" x1="${at(x(low))}" x2="${at(x(high))}" y1="${y}" y2="${y}"/>`;
    const about = `${name}: ${between(interval, signed)}`;
    return `<text class="name" x="${frame.left - 14}" y="${y + 4}" text-anchor="end"${weight}>${escapeText(name)}</text>${whiskers}${mark(series, x(estimate), y, 5, about)}`;
  });
  const about = rows.map(({ name, interval }) => `${name} ${between(interval, signed)}`).join("; ");
  return drawing(id, frame, title, `${about}.`, xAxis(x, frame, axis) + line + body.join(""));
}
