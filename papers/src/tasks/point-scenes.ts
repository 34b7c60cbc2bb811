/**
 * A street seen from above as counts of laser points: cars, bicycles and people, some of them half hidden or far away,
 * close to each other, amid clutter that looks like them.
 */
import type { LabelledBox } from "nearmiss/metrics";
import { poisson, type Random, random } from "nearmiss/random";
import { remember } from "../remember.ts";

/** Cells a side. */
export const SIDE = 16;
/** car, bicycle, person */
export const KINDS = 3;

export interface SceneObject {
  label: number;
  row: number;
  column: number;
  /** Whether few of its points are seen: much is hidden, or it is far away. */
  hard: boolean;
}

export interface PointScene {
  /** [SIDE²] log(1 + points) */
  points: Float32Array;
  objects: SceneObject[];
}

/** Points a cell at full sight, by distance from the middle along and across. */
const shapes: ((along: number, across: number) => number)[] = [
  (along, across) => (Math.abs(along) <= 2 && Math.abs(across) <= 1 && (along !== 0 || across !== 0) ? 3 : 0),
  (along, across) => (Math.abs(along) <= 1 && across === 0 ? 5 : 0),
  (along, across) => (along === 0 && across === 0 ? 9 : Math.abs(along) + Math.abs(across) === 1 ? 1 : 0),
];
/** Hidden parts and weakness from which an object counts as hard. */
const HARD = 0.5;

function scene(draw: Random): PointScene {
  const rates = new Float64Array(SIDE * SIDE).fill(0.05);
  const objects: SceneObject[] = [];
  const wanted = draw.integer(4, 10);
  for (let tries = 0; objects.length < wanted && tries < 100; tries++) {
    const label = draw.integer(0, KINDS);
    // Every third one stands close to another.
    const other = objects.length > 0 && draw.next() < 1 / 3 ? draw.choice(objects) : undefined;
    const [row, column] = [other?.row, other?.column].map((at) =>
      at === undefined ? draw.integer(1, SIDE - 1) : at + draw.integer(-4, 5),
    ) as [number, number];
    if (Math.min(row, column) < 1 || Math.max(row, column) > SIDE - 2) continue;
    const near = (object: SceneObject) =>
      Math.max(Math.abs(object.row - row), Math.abs(object.column - column)) < 3;
    if (objects.some(near)) continue;
    const strength = draw.next() < 0.5 ? 1 : 0.35 + 0.65 * draw.next();
    const seen = strength * add(rates, row, column, shapes[label]!, strength, draw);
    objects.push({ label, row, column, hard: seen < HARD });
  }
  // Poles and bushes: as many points as a person has, in other shapes.
  for (let i = draw.integer(2, 5); i > 0; i--) {
    const shape = draw.next() < 0.5 ? pole : bush;
    add(rates, draw.integer(1, SIDE - 1), draw.integer(1, SIDE - 1), shape, 1, draw);
  }
  return { points: Float32Array.from(rates, (rate) => Math.log1p(poisson(draw, rate))), objects };
}

const pole = (along: number, across: number) => (along === 0 && across === 0 ? 4 : 0);
const bush = (along: number, across: number) =>
  along >= 0 && along < 2 && across >= 0 && across < 2 ? 2 : 0;

/** Adds a shape, turned or not and hidden from one side; returns the part of its points that is left. */
function add(
  rates: Float64Array,
  row: number,
  column: number,
  shape: (along: number, across: number) => number,
  strength: number,
  draw: Random,
): number {
  const turned = draw.next() < 0.5;
  const [down, right] = [draw.next() - 0.5, draw.next() - 0.5];
  const hidden = draw.next() < 0.5 ? 0 : 0.3 + 0.5 * draw.next();
  const cells: { at: number; rate: number; depth: number }[] = [];
  for (let y = -2; y <= 2; y++)
    for (let x = -2; x <= 2; x++) {
      const rate = strength * (turned ? shape(x, y) : shape(y, x));
      const [r, c] = [row + y, column + x];
      if (rate > 0 && r >= 0 && r < SIDE && c >= 0 && c < SIDE)
        cells.push({ at: r * SIDE + c, rate, depth: y * down + x * right });
    }
  const total = cells.reduce((sum, { rate }) => sum + rate, 0);
  let left = total * (1 - hidden);
  for (const { at, rate } of cells.sort((a, b) => a.depth - b.depth)) {
    const part = Math.min(rate, left);
    rates[at]! += part;
    left -= part;
  }
  return 1 - hidden;
}

export interface SceneSize {
  train: number;
  validation: number;
  test: number;
  seed: number;
}

export const pointScenes = remember(({ train, validation, test, seed }: SceneSize) => {
  const root = random(seed).split("scenes");
  const many = (name: string, count: number) => {
    const draw = root.split(name);
    return Array.from({ length: count }, (_, i) => scene(draw.split(i)));
  };
  return {
    train: many("train", train),
    validation: many("validation", validation),
    test: many("test", test),
  };
}, 2);

/** A box of three by three cells around a place, as of an object or of what is taken for one. */
export const boxAround = (image: number, { label, row, column }: Omit<SceneObject, "hard">): LabelledBox => ({
  image,
  label,
  box: [column - 1, row - 1, column + 2, row + 2],
});
