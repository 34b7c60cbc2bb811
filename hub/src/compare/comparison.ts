/** What a comparison finds: plain data, as comparison.json holds it. Intervals have a level of 95 %. */
import type { Interval } from "nearmiss/stats";
import type { MetricName } from "./metrics.ts";
import type { Task } from "./objectives.ts";
import type { Difference } from "./statistics.ts";

export interface Trial {
  objective: string;
  seed: number;
  /** On the seed's evaluation rows. */
  metrics: Record<string, number>;
  seconds: number;
  steps: number;
  /** Step and the metric on validation rows. */
  curve: [number, number][];
}

export interface ObjectiveResult {
  name: string;
  /** Chosen on validation rows. */
  learningRate: number;
  /** Seeds that are finished. */
  seeds: number;
  /** Means over seeds. */
  metrics: Record<string, Interval>;
  /** The metric, less the baseline's on the same seeds; absent for the baseline. */
  difference?: Difference & {
    /** p corrected for the number of objectives compared (Holm). */
    adjusted: number;
  };
  /** A training, on average. */
  seconds: number;
  steps: number;
}

export interface ReliabilityPoint {
  confidence: number;
  accuracy: number;
  count: number;
}

/** One model on the rows that were held back. */
export interface HeldBackResult {
  objective: string;
  metrics: Record<string, number>;
  /** Classes: confidence against accuracy. Bins without rows are left out. */
  reliability?: ReliabilityPoint[];
  /** Numbers: true and predicted values of some rows. */
  scatter?: [number, number][];
}

export interface HeldBack {
  rows: number;
  /** The baseline's model, then the recommended one's where there is one. */
  results: HeldBackResult[];
  /** Of the metric, recommended less baseline, over resampled rows. */
  difference?: Interval;
  /** Whether the recommendation holds: "yes", "unclear" (0 is in the interval), or "no". */
  holds?: "yes" | "unclear" | "no";
}

export interface Comparison {
  format: "nearmiss-comparison";
  version: 1;
  /** False where it was stopped: some seeds or all of the end are missing, and nothing is recommended. */
  complete: boolean;
  file: string;
  target: string;
  task: Task;
  classes?: string[];
  /** Rows of each class, in all parts together. */
  classRows?: number[];
  /** Rows by what they were for. */
  rows: { used: number; training: number; evaluation: number; validation: number; heldBack: number };
  columns: string[];
  metric: { name: MetricName; label: string; better: "higher" | "lower"; why: string };
  /** Other metrics that were measured. */
  metrics: MetricName[];
  baseline: string;
  seeds: number;
  learningRates: number[];
  notes: string[];
  warnings: string[];
  objectives: ObjectiveResult[];
  /** Objectives that could not be trained, and why. */
  failed: { name: string; reason: string }[];
  recommendation?: {
    /** Undefined: nothing is better than the baseline beyond chance. */
    objective?: string;
    /** In one or two sentences. */
    text: string;
  };
  heldBack?: HeldBack;
  trials: Trial[];
  seconds: number;
  /** Versions of what computed it. */
  versions: Record<string, string>;
}
