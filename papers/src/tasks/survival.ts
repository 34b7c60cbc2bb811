/** A made-up cohort of patients with real images, and the one way in which all survival networks are trained on it. */
import { compile, fromData, type Tensor, valueAndGrad, values } from "nearmiss";
import { mnist, take } from "nearmiss/data";
import { fit, epochs as inEpochs } from "nearmiss/fit";
import { discretizeTimes, eventTimeEdges } from "nearmiss/losses";
import { concordanceIndex } from "nearmiss/metrics";
import { adam } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { remember } from "../remember.ts";

export const PATCHES = 6;
export const PIXELS = 196;
export const PATHWAYS = 4;
export const GENES = 10;
export const CLINICAL = 4;
export const BINS = 4;

export interface Patients {
  count: number;
  /** Six digits of 14 × 14 pixels each, [n, 6, 196]. */
  images: Float32Array;
  /** Ten genes in each of four pathways, [n, 4, 10]. */
  genes: Float32Array;
  /** [n, 4] */
  clinical: Float32Array;
  /** [n] */
  times: Float64Array;
  /** 1 where the event was observed, 0 where censored, [n]. */
  events: Int32Array;
  /** Time bin, cut at quartiles of the training events, [n]. */
  bins: Int32Array;
  /** The logarithm of the hazard from which the times were drawn, [n]. */
  logHazard: Float64Array;
}

export interface Cohort {
  train: Patients;
  /** For choosing learning rates and for stopping. */
  validation: Patients;
  test: Patients;
}

export interface CohortOptions {
  train: number;
  validation: number;
  test: number;
  /** Weight of image times gene score in the logarithm of the hazard. */
  interaction: number;
  seed: number;
}

/** Share of patients whose event is not seen. */
const CENSORED = 0.7;
const WEIBULL_SHAPE = 1.3;

/**
 * Patients with three kinds of data. The logarithm of the hazard is a + 0.8 g + 0.6 c + interaction · a g:
 * a is the standardised share of digits from 5 to 9 among the patient's six, g the latent score of the
 * first pathway, of which each gene is a noisy reading, and c a mean of the clinical values. Times are
 * Weibull; censoring is exponential, independent of all else, and hits 70 %.
 */
export const cohort = remember((options: CohortOptions): Cohort => {
  const { train, validation, test, interaction, seed } = options;
  const n = train + validation + test;
  const root = random(seed).split("cohort");
  const { images, labels } = mnist({ train: n * PATCHES, test: 0, size: 14, seed }).train;
  const scores = root.split("pathways").normal(n * PATHWAYS);
  const genes = root
    .split("genes")
    .normal(n * PATHWAYS * GENES)
    .map((noise, i) => 0.7 * scores[Math.floor(i / GENES)]! + 0.7 * noise);
  const clinical = root.split("clinical").normal(n * CLINICAL);
  const logHazard = Float64Array.from({ length: n }, (_, i) => {
    const bag = labels.subarray(i * PATCHES, (i + 1) * PATCHES);
    const a = (bag.filter((digit) => digit >= 5).length - PATCHES / 2) / Math.sqrt(PATCHES / 4);
    const g = scores[i * PATHWAYS]!;
    const c =
      clinical.subarray(i * CLINICAL, (i + 1) * CLINICAL).reduce((x, y) => x + y) / Math.sqrt(CLINICAL);
    return a + 0.8 * g + 0.6 * c + interaction * a * g;
  });
  const exposure = root.split("events").exponential(n);
  const until = logHazard.map((risk, i) => (exposure[i]! / Math.exp(risk)) ** (1 / WEIBULL_SHAPE));
  const limit = root.split("censoring").exponential(n);
  // Patient i is censored where the censoring rate is above limit / until.
  const rate = [...limit].map((x, i) => x / until[i]!).sort((x, y) => x - y)[Math.floor(CENSORED * n)]!;
  const times = until.map((time, i) => Math.min(time, limit[i]! / rate));
  const events = Int32Array.from(until, (time, i) => Number(time <= limit[i]! / rate));
  const edges = eventTimeEdges(times.subarray(0, train), events.subarray(0, train), BINS);
  const bins = discretizeTimes(times, edges);
  const part = (from: number, count: number): Patients => {
    const rows = <T extends { subarray(from: number, to: number): T }>(x: T, width = 1) =>
      x.subarray(from * width, (from + count) * width);
    return {
      count,
      images: rows(images, PATCHES * PIXELS),
      genes: rows(genes, PATHWAYS * GENES),
      clinical: rows(clinical, CLINICAL),
      times: rows(times),
      events: rows(events),
      bins: rows(bins),
      logHazard: rows(logHazard),
    };
  };
  return {
    train: part(0, train),
    validation: part(train, validation),
    test: part(train + validation, test),
  };
});

/** What a network sees of a batch of patients. */
export interface Views {
  /** [n, 6, 196] */
  images: Tensor;
  /** [n, 4, 10] */
  genes: Tensor;
  /** [n, 4] */
  clinical: Tensor;
}

export interface Observed {
  /** Float32, [n]. */
  times: Tensor;
  /** int32 [n] */
  events: Tensor;
  /** int32 [n] */
  bins: Tensor;
}

export interface SurvivalNetwork<P> {
  init(random: Random): P;
  apply(params: P, views: Views): Tensor;
  /** The mean loss of a batch's outputs. */
  loss(outputs: Tensor, observed: Observed): Tensor;
  /** From outputs to risks [n], higher for earlier events. */
  risk(outputs: Tensor): Tensor;
}

export interface TrainSurvivalOptions<P> {
  network: SurvivalNetwork<P>;
  cohort: Cohort;
  learningRate: number;
  epochs: number;
  batchSize: number;
  /** Decides initial weights and the order of batches. */
  seed: number;
  signal?: AbortSignal;
  /** Called after every epoch with the concordance on validation patients. */
  onEpoch?: (epoch: number, concordance: number) => void;
}

/** Trains by Adam and keeps the weights after the epoch with the highest concordance on validation patients. */
export async function trainSurvival<P>(options: TrainSurvivalOptions<P>) {
  const { network, cohort, learningRate, epochs, batchSize, seed, signal, onEpoch } = options;
  const { train, validation } = cohort;
  const optimizer = adam({ learningRate });
  const root = random(seed);
  const start = () => optimizer.init(network.init(root.split("weights")));
  const step = compile(
    (state: ReturnType<typeof start>, batch: Views & Observed) => {
      const [value, gradients] = valueAndGrad((params: P) =>
        network.loss(network.apply(params, batch), batch),
      )(state.params);
      return { state: optimizer.update(state, gradients), loss: value };
    },
    { threads: 1 },
  );
  const risk = compile((params: P, views: Views) => network.risk(network.apply(params, views)), {
    threads: 1,
  });
  const risksOf = async (params: P, patients: Patients) => {
    const { images, genes, clinical } = batchOf(
      patients,
      Int32Array.from({ length: patients.count }, (_, i) => i),
    );
    return values(await risk(params, { images, genes, clinical }));
  };
  const order = inEpochs({ count: train.count, size: batchSize, random: root.split("batches"), epochs });
  const { state, best } = await fit({
    state: start(),
    step,
    steps: order.steps,
    batch: (i) => batchOf(train, order.indices(i)),
    evaluation: {
      every: order.perEpoch,
      evaluate: async ({ params }) =>
        concordanceIndex(validation.times, validation.events, await risksOf(params, validation)),
      better: "higher",
      onEvaluation: (at, value) => onEpoch?.(at / order.perEpoch, value),
    },
    signal,
  });
  return { risks: (patients: Patients) => risksOf(state.params, patients), concordance: best!.value };
}

function batchOf(patients: Patients, indices: Int32Array): Views & Observed {
  const n = indices.length;
  const rows = (x: Float32Array, ...shape: number[]) =>
    fromData(
      take(
        x,
        indices,
        shape.reduce((a, b) => a * b),
      ),
      [n, ...shape],
    );
  return {
    images: rows(patients.images, PATCHES, PIXELS),
    genes: rows(patients.genes, PATHWAYS, GENES),
    clinical: rows(patients.clinical, CLINICAL),
    times: fromData(Float32Array.from(take(patients.times, indices)), [n]),
    events: fromData(take(patients.events, indices), [n]),
    bins: fromData(take(patients.bins, indices), [n]),
  };
}
