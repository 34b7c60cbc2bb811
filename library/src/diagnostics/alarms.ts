/**
 * Alarms: what goes wrong in training without an error, noticed while it happens. `fit` shows each step to
 * them; they answer with what they notice, each kind once for each watched tensor.
 *
 * Thresholds are set so that sound training raises nothing: see the 20 healthy runs of the test.
 */
import { type Tensor, values } from "../tensor/index.ts";
import { effectiveRank, uniformity } from "./embeddings.ts";
import { deadUnits } from "./network.ts";

export interface Observation {
  /** From 1. */
  step: number;
  loss: number;
  /**
   * Concrete tensors by name. Looked at are those whose names are, or begin with:
   * - `gradientNorm`, a scalar;
   * - `embeddings`, [n, d] with n ≥ 4;
   * - `activations`, [n, units, …], behind a relu or another activation;
   * - `chosenLogProbability`, a scalar: the mean log-probability of preferred answers.
   * All others are checked for NaN and infinity only.
   */
  watched?: Record<string, Tensor>;
}

export interface Alarm {
  kind: "not-finite" | "exploding" | "zero-loss" | "collapse" | "dead-units" | "chosen-falling";
  /** The step that raised it. */
  step: number;
  /** What was looked at: "loss" or the name of a watched tensor. */
  of: string;
  /** The number that crossed its limit. */
  value: number;
  /** One sentence for the reader. */
  message: string;
}

export interface AlarmOptions {
  /**
   * Exploding: a gradient norm so many times as large as the largest of the first steps. Default: 100.
   * It compares with the start, as later norms may fall by orders of magnitude in sound training.
   */
  explosion?: number;
  /** Steps that a start has, for `explosion` and `chosenFall`. Default: 20. */
  start?: number;
  /** Zero loss: so many steps in a row with a loss of exactly 0. Default: 5. */
  zeros?: number;
  /** Embeddings and activations are looked at every so many steps, as that takes time. Default: 10. */
  every?: number;
  /** Collapse and dead units: so many looks in a row. Default: 3. */
  looks?: number;
  /** Collapse: an effective rank below this. Default: 1.5. */
  rank?: number;
  /** Collapse: an effective rank below this part of the largest one before. Default: 0.1. */
  rankLost?: number;
  /** Collapse: a uniformity above this, 0 being all the same. Default: −0.01. */
  uniformity?: number;
  /** Dead units: more than this part of them. Default: 0.5. */
  dead?: number;
  /**
   * Chosen falling: the mean of the last steps lies below that of the first ones by more than this part of its
   * size, and by more than chance would have it (four standard errors). Default: 0.1.
   */
  chosenFall?: number;
}

export interface Alarms {
  /** Looks at one step; returns what it raises. */
  observe(observation: Observation): Alarm[];
}

/** A set of alarms for one run. */
export function alarms(options: AlarmOptions = {}): Alarms {
  const { explosion = 100, start = 20, zeros = 5, every = 10, looks = 3 } = options;
  const { rank = 1.5, rankLost = 0.1, uniformity: even = -0.01, dead = 0.5, chosenFall = 0.1 } = options;
  const raised = new Set<string>();
  const memories = new Map<string, Memory>();
  let zeroRun = 0;

  function observe({ step, loss, watched = {} }: Observation): Alarm[] {
    const found: Alarm[] = [];
    const raise = (kind: Alarm["kind"], of: string, value: number, message: string) => {
      const key = `${kind} ${of}`;
      if (raised.has(key)) return;
      raised.add(key);
      found.push({ kind, step, of, value, message: `step ${step}: ${message}` });
    };

    if (!Number.isFinite(loss)) raise("not-finite", "loss", loss, `the loss is ${loss}`);
    zeroRun = loss === 0 ? zeroRun + 1 : 0;
    if (zeroRun >= zeros)
      raise("zero-loss", "loss", 0, `the loss is exactly 0 for ${zeroRun} steps: nothing is learnt any more`);

    for (const [of, tensor] of Object.entries(watched)) {
      const data = values(tensor);
      const broken = data.find((value) => !Number.isFinite(value));
      if (broken !== undefined) {
        raise("not-finite", of, broken, `${of} holds ${broken}`);
        continue;
      }
      const memory = memories.get(of) ?? newMemory();
      memories.set(of, memory);
      if (of.startsWith("gradientNorm")) watchNorm(of, data[0]!, memory, raise);
      else if (of.startsWith("chosenLogProbability")) watchChosen(of, data[0]!, memory, raise);
      else if (step % every !== 0) continue;
      else if (of.startsWith("embeddings")) watchEmbeddings(of, tensor, memory, raise);
      else if (of.startsWith("activations")) watchActivations(of, tensor, memory, raise);
    }
    return found;
  }

  type Raise = (kind: Alarm["kind"], of: string, value: number, message: string) => void;

  function watchNorm(of: string, norm: number, memory: Memory, raise: Raise): void {
    if (memory.first.length < start) memory.first.push(norm);
    // Within the start, an explosion shows against the steps before.
    const before = memory.first.length < start ? memory.first.slice(0, -1) : memory.first;
    const largest = Math.max(...before);
    if (before.length > 0 && largest > 0 && norm > explosion * largest)
      raise("exploding", of, norm, `${of} is ${show(norm)}, at the start it was at most ${show(largest)}`);
  }

  function watchChosen(of: string, value: number, memory: Memory, raise: Raise): void {
    if (memory.first.length < start) {
      memory.first.push(value);
      return;
    }
    memory.last.push(value);
    if (memory.last.length > start) memory.last.shift();
    if (memory.last.length < start) return;
    const [first, last] = [moments(memory.first), moments(memory.last)];
    const fall = first.mean - last.mean;
    const error = Math.sqrt((first.variance + last.variance) / start);
    if (fall > chosenFall * Math.abs(first.mean) && fall > 4 * error)
      raise(
        "chosen-falling",
        of,
        last.mean,
        `${of} fell from ${show(first.mean)} to ${show(last.mean)}: preferred answers become less likely`,
      );
  }

  function watchEmbeddings(of: string, tensor: Tensor, memory: Memory, raise: Raise): void {
    if (tensor.shape.length !== 2 || tensor.shape[0]! < 4 || tensor.shape[1]! < 2) return;
    const used = effectiveRank(tensor);
    const spread = uniformity(tensor);
    const lost = used < rankLost * memory.largest;
    memory.largest = Math.max(memory.largest, used);
    const bad = used < rank || spread > even || lost;
    memory.looks = bad ? memory.looks + 1 : 0;
    if (memory.looks >= looks)
      raise(
        "collapse",
        of,
        used,
        `${of} collapse: effective rank ${show(used)} of ${Math.min(...tensor.shape)}, uniformity ${show(spread)}`,
      );
  }

  function watchActivations(of: string, tensor: Tensor, memory: Memory, raise: Raise): void {
    const units = tensor.shape[1]!;
    const now = new Set(deadUnits(tensor));
    // Dead is who is so at every look of the row.
    memory.dead.push(now);
    if (memory.dead.length > looks) memory.dead.shift();
    if (memory.dead.length < looks) return;
    const always = [...now].filter((unit) => memory.dead.every((set) => set.has(unit)));
    if (always.length > dead * units)
      raise(
        "dead-units",
        of,
        always.length / units,
        `${always.length} of ${units} units of ${of} give the same number for all examples`,
      );
  }

  return { observe };
}

/** What an alarm remembers of one watched tensor. */
interface Memory {
  first: number[];
  last: number[];
  largest: number;
  looks: number;
  dead: Set<number>[];
}

const newMemory = (): Memory => ({ first: [], last: [], largest: 0, looks: 0, dead: [] });

function moments(list: readonly number[]): { mean: number; variance: number } {
  const mean = list.reduce((sum, x) => sum + x, 0) / list.length;
  const variance = list.reduce((sum, x) => sum + (x - mean) ** 2, 0) / Math.max(1, list.length - 1);
  return { mean, variance };
}

const show = (value: number): string => String(Number(value.toPrecision(3)));
