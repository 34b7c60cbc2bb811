/**
 * Stick figures of 15 joints in everyday poses and, rarely, in unusual ones, seen from one side: a network learns to
 * lift them to three dimensions from labelled 2-D keypoints alone, some of which are wrong.
 */
import { fromData, type Tensor } from "nearmiss";
import type { KinematicTree } from "nearmiss/perception";
import { type Random, random } from "nearmiss/random";
import { remember } from "../remember.ts";

export const JOINTS = 15;
/** Body height in millimetres; lengths are in body heights. */
export const HEIGHT = 1700;

/** Facing the viewer (z), upright (y), arms hanging; left is at positive x. */
export const body: KinematicTree = {
  names: [
    "pelvis",
    "neck",
    "left hip",
    "right hip",
    "head",
    "left shoulder",
    "right shoulder",
    "left knee",
    "right knee",
    "left elbow",
    "right elbow",
    "left ankle",
    "right ankle",
    "left wrist",
    "right wrist",
  ],
  parents: [-1, 0, 0, 0, 1, 1, 1, 2, 3, 5, 6, 7, 8, 9, 10],
  directions: [
    [0, 1, 0],
    [0, 1, 0],
    [0.8, -0.6, 0],
    [-0.8, -0.6, 0],
    [0, 1, 0],
    [1, 0, 0],
    [-1, 0, 0],
    ...Array.from({ length: 8 }, () => [0, -1, 0] as const),
  ],
  lengths: [0, 0.29, 0.07, 0.07, 0.18, 0.11, 0.11, 0.245, 0.245, 0.186, 0.186, 0.246, 0.246, 0.146, 0.146],
};

/** Left and right of each kind. */
export const pairs: [number, number][] = [
  [2, 3],
  [5, 6],
  [7, 8],
  [9, 10],
  [11, 12],
  [13, 14],
];

/** Deviation of each bone's length among people, as a share of the length. */
export const LENGTH_DEVIATION = 0.04;

/** Wrists and ankles keep off the trunk and off each other: pairs of joints and their least distance. */
export const apart: { pairs: [number, number][]; distances: number[] } = {
  pairs: [
    [13, 14],
    [11, 12],
    [13, 0],
    [14, 0],
    [13, 1],
    [14, 1],
    [7, 8],
  ],
  distances: [0.05, 0.06, 0.08, 0.08, 0.06, 0.06, 0.06],
};

const degrees = Math.PI / 180;
type Axis = readonly [number, number];
const free: [Axis, Axis, Axis] = [
  [-180, 180],
  [-180, 180],
  [-180, 180],
];
const still: [Axis, Axis, Axis] = [
  [-5, 5],
  [-5, 5],
  [-5, 5],
];

/** What joints can do, in degrees about x (bending), y (turning) and z (to the side). */
const limitsOf: Record<string, [Axis, Axis, Axis]> = {
  pelvis: free,
  neck: [
    [-40, 40],
    [-40, 40],
    [-30, 30],
  ],
  "left hip": [
    [-125, 30],
    [-40, 40],
    [-30, 45],
  ],
  "right hip": [
    [-125, 30],
    [-40, 40],
    [-45, 30],
  ],
  "left shoulder": [
    [-180, 60],
    [-90, 90],
    [-40, 170],
  ],
  "right shoulder": [
    [-180, 60],
    [-90, 90],
    [-170, 40],
  ],
  "left knee": [
    [0, 150],
    [-5, 5],
    [-5, 5],
  ],
  "right knee": [
    [0, 150],
    [-5, 5],
    [-5, 5],
  ],
  "left elbow": [
    [-150, 0],
    [-5, 5],
    [-5, 5],
  ],
  "right elbow": [
    [-150, 0],
    [-5, 5],
    [-5, 5],
  ],
};
const limits = body.names.map((name) => limitsOf[name] ?? still);
const border = (side: 0 | 1) =>
  fromData(
    Float32Array.from(limits.flat(), (axis) => axis[side] * degrees),
    [JOINTS, 3],
  );
export const [lower, upper] = [border(0), border(1)];

/** Degrees about x; of shoulders also about z, outwards. `pitch` tilts the whole figure towards the viewer. */
interface Pose {
  hips?: [number, number];
  knees?: [number, number];
  shoulders?: [number, number];
  raised?: [number, number];
  elbows?: [number, number];
  pitch?: number;
}

const usual: Pose[] = [
  {},
  { hips: [-25, 15], knees: [15, 35], shoulders: [20, -25], elbows: [-25, -25] },
  { hips: [-90, -90], knees: [90, 90], shoulders: [-30, -30], elbows: [-60, -60] },
  { shoulders: [-80, -80], elbows: [-15, -15] },
  { raised: [10, 140], elbows: [-10, -30] },
  { hips: [-60, 20], knees: [70, 20], elbows: [-40, -40] },
];
const rare: Pose[] = [
  {
    hips: [-115, -115],
    knees: [135, 135],
    shoulders: [-40, -40],
    elbows: [-50, -50],
    pitch: 35,
  },
  { shoulders: [-165, -165], elbows: [-20, -20], hips: [-40, -10], knees: [60, 10], pitch: -30 },
];

export interface Figures {
  /** [n, 15, 3] Radians. */
  angles: Float32Array;
  /** [n, 15] In body heights. */
  lengths: Float32Array;
  /** [n] Of the image. */
  scales: Float32Array;
}

function draw(pose: Pose, stream: Random, into: { angles: Float32Array; lengths: Float32Array }) {
  const { hips, knees, shoulders, raised, elbows, pitch = 0 } = pose;
  const mean = new Float32Array(JOINTS * 3);
  const set = (joint: number, axis: number, value: number) => {
    mean[joint * 3 + axis] = value;
  };
  set(0, 0, pitch);
  set(0, 1, stream.uniform(1, -60, 60)[0]!);
  for (const [side, sign] of [
    [0, 1],
    [1, -1],
  ] as const) {
    set(2 + side, 0, hips?.[side] ?? 0);
    set(7 + side, 0, knees?.[side] ?? 8);
    set(5 + side, 0, shoulders?.[side] ?? 0);
    set(5 + side, 2, sign * (raised?.[side] ?? 10));
    set(9 + side, 0, elbows?.[side] ?? -12);
  }
  const noise = stream.normal(JOINTS * 3);
  const spread = [10, 6, 6];
  for (let i = 0; i < mean.length; i++) {
    const [low, high] = limits[Math.floor(i / 3)]![i % 3]!;
    into.angles[i] = Math.min(Math.max(mean[i]! + spread[i % 3]! * noise[i]!, low), high) * degrees;
  }
  const growth = stream.normal(JOINTS, 1, LENGTH_DEVIATION);
  for (const [left, right] of pairs) growth[right] = growth[left]!;
  body.lengths.forEach((length, joint) => {
    into.lengths[joint] = length * growth[joint]!;
  });
}

/** Figures in poses of which a share is rare. */
export const figures = remember((count: number, rareShare: number, seed: string | number): Figures => {
  const stream = random(seed);
  const all: Figures = {
    angles: new Float32Array(count * JOINTS * 3),
    lengths: new Float32Array(count * JOINTS),
    scales: stream.split("scales").uniform(count, 0.8, 1.2),
  };
  for (let i = 0; i < count; i++) {
    const each = stream.split(i);
    draw(each.choice(each.next() < rareShare ? rare : usual), each, {
      angles: all.angles.subarray(i * JOINTS * 3, (i + 1) * JOINTS * 3),
      lengths: all.lengths.subarray(i * JOINTS, (i + 1) * JOINTS),
    });
  }
  return all;
});

/** Where keypoints are seen: joints other than the pelvis in image units, [n, 28], from joints [n, 15, 3]. */
export function project(joints: ArrayLike<number>, scales: Float32Array): Float32Array {
  const width = (JOINTS - 1) * 2;
  const seen = new Float32Array(scales.length * width);
  for (let i = 0; i < scales.length; i++)
    for (let j = 1; j < JOINTS; j++)
      for (let k = 0; k < 2; k++)
        seen[i * width + (j - 1) * 2 + k] = scales[i]! * joints[(i * JOINTS + j) * 3 + k]!;
  return seen;
}

/**
 * Labels as two crowds of annotators give them: noise of 2 %, in one of ten images a left joint taken for the right one or
 * a keypoint far off, and in every second image hips marked further out.
 */
export function annotate(seen: Float32Array, stream: Random): Float32Array {
  const width = (JOINTS - 1) * 2;
  const labels = seen.map((x) => x + stream.normal(1, 0, 0.02)[0]!);
  for (let i = 0; i < labels.length / width; i++) {
    const row = labels.subarray(i * width, (i + 1) * width);
    const place = (joint: number) => (joint - 1) * 2;
    if (stream.next() < 0.5) for (const hip of [2, 3]) for (const k of [0, 1]) row[place(hip) + k]! *= 1.8;
    if (stream.next() >= 0.1) continue;
    if (stream.next() < 0.5) {
      const [left, right] = stream.choice(pairs);
      for (const k of [0, 1])
        [row[place(left) + k], row[place(right) + k]] = [row[place(right) + k]!, row[place(left) + k]!];
    } else {
      const joint = stream.integer(1, JOINTS);
      for (const k of [0, 1]) row[place(joint) + k]! += stream.normal(1, 0, 0.25)[0]!;
    }
  }
  return labels;
}

/**
 * Where a network starts, [15, 3]: with bent limbs, since the image of a straight limb does not change with the first
 * degrees of bending, and which way it bends could not be learned.
 */
export const relaxed: Tensor = (() => {
  const angles = new Float32Array(JOINTS * 3);
  for (const side of [0, 1]) {
    angles[(2 + side) * 3] = -30 * degrees;
    angles[(5 + side) * 3] = -30 * degrees;
    angles[(7 + side) * 3] = 40 * degrees;
    angles[(9 + side) * 3] = -40 * degrees;
  }
  return fromData(angles, [JOINTS, 3]);
})();

/** Mean lengths of bones, [1, 15]. */
export const templateLengths: Tensor = fromData(Float32Array.from(body.lengths), [1, JOINTS]);
