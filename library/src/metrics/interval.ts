import { type BootstrapOptions, bootstrapInterval, type Interval } from "../stats/index.ts";

export type MetricIntervalOptions = BootstrapOptions;

/** Values of the examples, one after the other: labels, scores, rows of probabilities. */
type ColumnValues = Float32Array | Float64Array | Int32Array | readonly number[] | readonly string[];

/**
 * Bootstrap interval of any metric of independent examples: which examples stand in the test set is
 * drawn again and again. It says what another test set could have shown, not another training run.
 *
 *     metricInterval(rocAuc, [scores, labels], { random: random(1) });
 *     metricInterval((p, y) => ece(p, y, { bins: 15 }), [probabilities, labels], { random: random(1) });
 *
 * @param metric gets the columns, resampled; a resample that it refuses with a RangeError or that gives NaN
 *   (an area under a curve, where only one class was drawn) is drawn again
 * @param columns each with one value an example, or with the same number of values for each; the shortest
 *   one has one value an example
 * @param options see `bootstrapInterval`; "percentile" is the default here, as the correction costs one
 *   more evaluation an example
 * @throws RangeError where a column's length is no multiple of the shortest one's
 */
export function metricInterval<Columns extends ColumnValues[]>(
  metric: (...columns: Columns) => number,
  columns: readonly [...Columns],
  options: MetricIntervalOptions,
): Interval {
  const count = Math.min(...columns.map((column) => column.length));
  columns.forEach((column, i) => {
    if (column.length % count !== 0)
      throw new RangeError(
        `metricInterval: columns[${i}] has ${column.length} values; expected a multiple of ${count}, the shortest one's`,
      );
  });
  const on = (units: Int32Array) =>
    metric(...(columns.map((column) => rows(column, units, column.length / count)) as Columns));
  // What the metric finds wrong with all examples is the caller's to know.
  on(Int32Array.from({ length: count }, (_, i) => i));
  const statistic = (units: Int32Array) => {
    try {
      return on(units);
    } catch (error) {
      if (error instanceof RangeError) return Number.NaN;
      throw error;
    }
  };
  return bootstrapInterval(count, statistic, { method: "percentile", ...options });
}

/** The rows of a column with `width` values each, in the order of `units`. */
function rows(column: ColumnValues, units: Int32Array, width: number): ColumnValues {
  const make = (length: number): (number | string)[] | Float64Array =>
    Array.isArray(column) ? new Array(length) : new (column.constructor as Float64ArrayConstructor)(length);
  const out = make(units.length * width);
  for (let i = 0; i < units.length; i++)
    for (let j = 0; j < width; j++) out[i * width + j] = column[units[i]! * width + j]! as never;
  return out as ColumnValues;
}
