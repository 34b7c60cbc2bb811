import {
  compile,
  concat,
  fromData,
  logicalAnd,
  logicalOr,
  multiply,
  slice,
  sum,
  type Tensor,
  values,
} from "nearmiss";
import { fit, trainingStep } from "nearmiss/fit";
import { contrastiveMargin, euclideanDistances, labelPairs, type Pairs, pairsOf } from "nearmiss/losses";
import { bestThresholdF1, editDistance, f1FromCounts, spearman } from "nearmiss/metrics";
import { mineSemiHard, selfLabel } from "nearmiss/negatives";
import { adam } from "nearmiss/optim";
import { random } from "nearmiss/random";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { type Comparison, defineStudy } from "../study.ts";
import {
  type Audio,
  audioOf,
  lexicon,
  minimalPairs,
  type Phonetic,
  phoneticOf,
  type SpokenSizes,
  spokenWords,
  type WordEncoders,
  wordEncoders,
} from "../tasks/spoken-words.ts";

export const card: Card = {
  number: 74,
  slug: "joint-acoustic-phonetic",
  title: "Learning Joint Acoustic-Phonetic Word Embeddings",
  year: 2019,
  family: "perception",
  kind: "objective",
  arxiv: "1908.00493",
  link: "https://arxiv.org/abs/1908.00493",
  summary:
    "Two encoders, one for the audio frames of a word and one for its phoneme string, map into a common space. Training uses a contrastive loss on pairs known to be the same word or different words. Hard negatives are words at small phoneme edit distance and close wrong words under the current model, and confidently scored unlabelled pairs are added by self-labelling.",
  claim:
    "Distance in the joint space reflects how alike words sound and decides whether an audio clip and a phoneme string are one word. Mining hard negatives, self-labelled ones included, raises the F1 of this decision above training with random negatives; the best reported value is 0.95.",
  formula: String.raw`L=\tfrac12\big[y\,d^2+(1-y)\max(0,m-d)^2\big],\quad d=\|a(X)-b(P)\|_2`,
  exports: [
    "losses/contrastive-margin: contrastiveMargin",
    "negatives/edit-neighbours: editNeighbours",
    "negatives/in-batch-triplets: mineSemiHard",
    "negatives/self-label: selfLabel",
    "metrics/edit-distance: editDistance",
    "metrics/precision-recall: bestThresholdF1",
  ],
  notes: [
    "Speech is made up: frames of thirteen numbers, smoothed over time, with a scale and a shift of each speaker and noise. Words and speakers of the test are not those of training.",
    "Each arm has one labelled negative a clip, with random negatives a random word; with mined ones a word one phoneme away for half of the clips and the nearest wrong word that is further than the right one (semi-hard) for the others. Self-labelling adds to the mined pairs the pairs of the batch beyond 1.5 times the threshold of 0.5 as negatives and, for at most a tenth of the clips, those within half of it as positives.",
    "All arms but the untrained one start from encoders that were trained with random negatives: mined negatives alone leave new encoders for long where all distances are equal.",
    "Before the first default run the shared start was added after a look at 100 steps with a seed that the study does not use.",
    "Changed after a first result: words of the test had been among the mined negatives of training, as phonemes; they no longer are. With the fault the claim about mining was inconclusive (F1 +0.017, 95 % interval -0.006 to +0.039), the other two verdicts were as without it; batches of all arms are drawn differently since.",
    "The loss is the mean over the positives that cost something plus the mean over such negatives, so that self-labelled pairs do not drown the known ones.",
    "The threshold of the decision is that with the best F1 on validation words. Half of the test pairs are the same word, a quarter differ in one phoneme, a quarter are random words.",
    "The rank correlation is over pairs of different words alone; with the same words included it would be high for any encoder that tells these apart. Edit distance after recognising phonemes is not compared.",
  ],
};

const arms = {
  selfLabelled: "mined negatives, and pairs of the batch that the model itself is sure of",
  mined: "negatives one phoneme away, and the nearest wrong words of the batch",
  random: "random words as negatives",
  untrained: "the encoders as they start",
};
type Arm = keyof typeof arms;

interface Settings extends SpokenSizes {
  filters: number;
  width: number;
  batchSize: number;
  /** Steps with random negatives that all arms start from, and steps of each arm after them. */
  start: number;
  steps: number;
  startRate: number;
  learningRates: number[];
}

const settings: Settings = {
  train: 1500,
  validation: 200,
  test: 300,
  clips: 2,
  speakers: 20,
  filters: 48,
  width: 32,
  batchSize: 64,
  start: 350,
  steps: 150,
  startRate: 4e-3,
  learningRates: [1e-3, 4e-3],
};

const compare = (metric: string, method: Arm, baseline: Arm): Comparison => ({
  metric,
  method,
  baseline,
  better: "higher",
});

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      ...settings,
      train: 60,
      validation: 20,
      test: 20,
      speakers: 4,
      filters: 8,
      width: 8,
      batchSize: 8,
      start: 4,
      steps: 4,
      learningRates: [1e-3],
      seeds: 2,
    },
    default: { ...settings, seeds: 5 },
    full: { ...settings, train: 10_000, filters: 128, width: 64, start: 2000, steps: 2000, seeds: 10 },
  },
  metrics: {
    F1: "of the decision that a clip and phonemes are one word",
    "F1, minimal pairs": "the same where all different words differ in one phoneme",
    "rank correlation":
      "Spearman's, of the distance with the phonemes' edit distance, over pairs of different words",
  },
  curves: { "training loss": { x: "step", y: "loss of the arm's pairs" } },
  claims: [
    {
      id: "mining",
      statement: "Mined hard negatives raise the F1 of the same-word decision above random negatives.",
      rule: "The difference of F1 on new words and speakers, paired by seed. Supports if its 95 % interval lies above 0, contradicts if it lies below 0, else inconclusive.",
      comparisons: [compare("F1", "mined", "random")],
    },
    {
      id: "self-labelling",
      statement: "With self-labelled pairs beside them F1 is above that of random negatives, too.",
      rule: "As for mining, for mined negatives with self-labelled pairs.",
      comparisons: [compare("F1", "selfLabelled", "random")],
    },
    {
      id: "sounds alike",
      statement: "Among different words, distance follows how alike they sound.",
      rule: "The difference of the rank correlation to that of encoders without training, paired by seed, for mined negatives with and without self-labelled pairs. Supports if both 95 % intervals lie above 0, contradicts if one lies below 0, else inconclusive.",
      comparisons: [
        compare("rank correlation", "selfLabelled", "untrained"),
        compare("rank correlation", "mined", "untrained"),
      ],
    },
  ],
  distance:
    "The paper embeds aligned words of LibriSpeech, hundreds of hours of real speech; here convolutions of 0.02 million weights learn 1,500 words in 500 steps from made-up speech of 20 speakers.",
  async run({ arm, seed, settings, report, signal }) {
    const learningRate = await chosen(arm as Arm, settings, signal);
    const params = await trained(arm as Arm, settings, seed, learningRate, signal, (step, loss) => {
      report.progress(step / settings.steps);
      report.point("training loss", step, loss);
    });
    const known = await judge(settings, params, "validation", seed);
    const { threshold } = bestThresholdF1(known.closeness, known.same);
    const { closeness, same, edits } = await judge(settings, params, "test", seed);
    const f1 = (counts: (i: number) => boolean) => {
      const found = { truePositives: 0, falsePositives: 0, falseNegatives: 0 };
      same.forEach((positive, i) => {
        if (!counts(i)) return;
        const judged = closeness[i]! >= threshold;
        if (judged) found[positive ? "truePositives" : "falsePositives"]++;
        else if (positive) found.falseNegatives++;
      });
      return f1FromCounts(found).f1;
    };
    const different = edits.flatMap((_, i) => (same[i] ? [] : [i]));
    return {
      F1: f1(() => true),
      "F1, minimal pairs": f1((i) => edits[i]! <= 1),
      "rank correlation": spearman(
        different.map((i) => -closeness[i]!),
        different.map((i) => edits[i]!),
      ),
    };
  },
});

interface Batch {
  audio: Audio;
  /** The clips' words, then a negative of each. */
  words: Phonetic;
  /** int32 [2n]: equal for equal words. */
  labels: Tensor;
}

/** The pairs of an arm: masks over clips and phonetic words, [n, 2n]. */
function pairsOfArm(arm: Arm, distances: Tensor, labels: Tensor): Pairs {
  const n = distances.shape[0]!;
  const mask = (holds: (row: number, column: number) => boolean, columns = n) =>
    fromData(
      Uint8Array.from({ length: n * columns }, (_, i) => Number(holds(Math.floor(i / columns), i % columns))),
      [n, columns],
      "bool",
    );
  const positives = mask((row, column) => column === row, 2 * n);
  const given = mask((row, column) => column === row + n, 2 * n);
  if (arm === "random") return { positives, negatives: given };
  const own = slice(labels, [[0, n]]);
  const inBatch = mineSemiHard(slice(distances, [null, [0, n]]), {
    positives: mask((row, column) => column === row),
    negatives: labelPairs(own, own).negatives,
  });
  const nearest = concat([pairsOf(inBatch).negatives, mask(() => false)], 1);
  const every = (rest: number) => mask((row) => row % 2 === rest, 2 * n);
  const mined = {
    positives,
    negatives: logicalOr(logicalAnd(every(0), given), logicalAnd(every(1), nearest)),
  };
  return arm === "mined" ? mined : selfLabel(distances, mined);
}

type Part = "train" | "validation" | "test";

/** Of each word of a part, the words of the lexicon that differ in one phoneme. */
const nearOf = remember(
  (settings: Settings, seed: number, part: Part) => minimalPairs(spokenWords(settings, seed)[part].words),
  9,
);

/** The same of training words, without those that are tested with. */
const negativesOf = remember((settings: Settings, seed: number) => {
  const { validation, test } = spokenWords(settings, seed);
  const unseen = new Set([...validation.words, ...test.words].map((word) => word.join()));
  return nearOf(settings, seed, "train").map((near) => near.filter((word) => !unseen.has(word.join())));
}, 3);

interface Training {
  arm: Arm;
  settings: Settings;
  seed: number;
  from: WordEncoders;
  steps: number;
  learningRate: number;
  signal: AbortSignal;
  onStep?: (step: number, loss: number) => void;
}

async function train(options: Training): Promise<WordEncoders> {
  const { arm, settings, seed, from, steps, learningRate, signal, onStep } = options;
  const { filters, width, batchSize } = settings;
  const { words, clips } = spokenWords(settings, seed).train;
  const near = negativesOf(settings, seed);
  const encoders = wordEncoders(filters, width);
  const optimizer = adam({ learningRate });
  const loss = (params: WordEncoders, { audio, words, labels }: Batch) => {
    const distances = euclideanDistances(encoders.hear(params, audio), encoders.read(params, words));
    return contrastiveMargin(distances, pairsOfArm(arm, distances, labels), { reduction: "active-mean" });
  };
  const number = new Map(lexicon().map((word, i) => [word.join(), i]));
  const batches = random(seed).split(`batches of ${steps} steps`);
  const { state } = await fit({
    state: optimizer.init(from),
    step: trainingStep({ loss, optimizer, compile: { threads: 1 } }),
    steps,
    batch(i): Batch {
      const draw = batches.split(i);
      const rows = Array.from({ length: batchSize }, () => draw.integer(0, clips.said.length));
      const said = rows.map((row) => clips.said[row]!);
      const others = said.map((word) => {
        const far = words[(word + draw.integer(1, words.length)) % words.length]!;
        const close = near[word]!.length > 0 ? draw.choice(near[word]!) : far;
        return arm === "random" ? far : close;
      });
      const both = [...said.map((word) => words[word]!), ...others];
      return {
        audio: audioOf(clips, rows),
        words: phoneticOf(both),
        labels: fromData(
          Int32Array.from(both, (word) => number.get(word.join())!),
          [both.length],
        ),
      };
    },
    signal,
    onStep,
  });
  return state.params;
}

/** The encoders before training, and after the start that all arms share. */
const startOf = remember(async (settings: Settings, seed: number, signal: AbortSignal) => {
  const { filters, width, start, startRate } = settings;
  const untrained = wordEncoders(filters, width).init(random(seed).split("weights"));
  const training = { arm: "random" as const, settings, seed, from: untrained, steps: start, signal };
  return { untrained, started: await train({ ...training, learningRate: startRate }) };
});

async function trained(
  arm: Arm,
  settings: Settings,
  seed: number,
  learningRate: number,
  signal: AbortSignal,
  onStep?: (step: number, loss: number) => void,
): Promise<WordEncoders> {
  const { untrained, started } = await startOf(settings, seed, signal);
  if (arm !== "untrained")
    return train({ arm, settings, seed, from: started, steps: settings.steps, learningRate, signal, onStep });
  onStep?.(0, 0);
  return untrained;
}

const compared = remember((filters: number, width: number) => {
  const encoders = wordEncoders(filters, width);
  return compile(
    (params: WordEncoders, audio: Audio, words: Phonetic) => {
      const [heard, read] = [encoders.hear(params, audio), encoders.read(params, words)];
      return sum(multiply(heard, read), { axis: 1 });
    },
    { threads: 1 },
  );
});

/** Pairs of clips and phonemes: two clips of each word with itself, one with a near miss, one with a random word. */
async function judge(settings: Settings, params: WordEncoders, part: Part, seed: number) {
  const { words, clips } = spokenWords(settings, seed)[part];
  const draw = random(seed).split("test pairs");
  const near = nearOf(settings, seed, part);
  const rows = words.flatMap((_, i) => [2 * i, 2 * i + 1, 2 * i, 2 * i + 1]);
  const asked = words.flatMap((word, i) => {
    const far = words[(i + draw.integer(1, words.length)) % words.length]!;
    return [word, word, near[i]!.length > 0 ? draw.choice(near[i]!) : far, far];
  });
  const edits = rows.map((row, i) => editDistance(words[clips.said[row]!]!, asked[i]!));
  const closeness = values(
    await compared(settings.filters, settings.width)(params, audioOf(clips, rows), phoneticOf(asked)),
  );
  return { closeness, edits, same: edits.map((distance) => Number(distance === 0)) };
}

const chosen = (arm: Arm, settings: Settings, signal: AbortSignal): Promise<number> =>
  chooseOnce(
    { study: "joint-acoustic-phonetic", arm, settings },
    arm === "untrained" ? settings.learningRates.slice(0, 1) : settings.learningRates,
    async (learningRate) => {
      const params = await trained(arm, settings, TUNING_SEED, learningRate, signal);
      const { closeness, same } = await judge(settings, params, "validation", TUNING_SEED);
      return bestThresholdF1(closeness, same).f1;
    },
  );
