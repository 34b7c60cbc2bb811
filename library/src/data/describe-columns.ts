import type { Column, ColumnType, Table } from "./csv.ts";

/** What a column holds, and what speaks against using it as a feature or a label. */
export interface ColumnDescription {
  name: string;
  type: ColumnType;
  rows: number;
  /** Rows without a value. */
  missing: number;
  /** Different values, missing ones not counted. */
  distinct: number;
  /** One value at most: nothing can be learnt from it. */
  constant: boolean;
  /**
   * Every value is there once and looks like a name for the row: whole numbers or words without spaces,
   * in at least 10 rows. A model that sees it can learn its training rows by heart.
   */
  idLike: boolean;
  /** Numbers and dates (in milliseconds). NaN where every value is missing. */
  minimum?: number;
  maximum?: number;
  mean?: number;
  /** Categories: the most frequent one and how often it occurs. */
  mostFrequent?: { category: string; count: number };
}

/** Describes each column of a table. */
export function describeColumns(table: Table): ColumnDescription[] {
  return table.columns.map((column) => {
    const values = present(column);
    const distinct = new Set(values).size;
    return {
      name: column.name,
      type: column.type,
      rows: table.rows,
      missing: table.rows - values.length,
      distinct,
      constant: distinct <= 1,
      idLike: values.length >= 10 && distinct === values.length && values.every(namesRow(column.type)),
      ...details(column, values),
    };
  });
}

type Value = string | number | boolean;

function present(column: Column): Value[] {
  if (column.type === "category") return Array.from(column.values).filter((value) => value >= 0);
  const values: Iterable<Value | null> = column.values;
  return Array.from(values).filter((value) => value !== null && !Number.isNaN(value)) as Value[];
}

function namesRow(type: ColumnType): (value: Value) => boolean {
  if (type === "number") return Number.isInteger;
  if (type === "text") return (value) => !/\s/.test(String(value).trim());
  // Times differ from row to row without being names, and categories given by hand may too.
  return () => type === "category";
}

function details(column: Column, values: Value[]): Partial<ColumnDescription> {
  if (column.type === "number" || column.type === "date") {
    let minimum = Number.POSITIVE_INFINITY;
    let maximum = Number.NEGATIVE_INFINITY;
    let mean = 0;
    (values as number[]).forEach((value, i) => {
      minimum = Math.min(minimum, value);
      maximum = Math.max(maximum, value);
      mean += (value - mean) / (i + 1);
    });
    if (values.length === 0) return { minimum: Number.NaN, maximum: Number.NaN, mean: Number.NaN };
    return { minimum, maximum, mean };
  }
  if (column.type === "category" && values.length > 0) {
    const counts = new Int32Array(column.categories.length);
    for (const value of values as number[]) counts[value]++;
    const best = counts.indexOf(Math.max(...counts));
    return { mostFrequent: { category: column.categories[best], count: counts[best] } };
  }
  return {};
}
