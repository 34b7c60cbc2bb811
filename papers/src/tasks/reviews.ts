/**
 * Made-up product reviews, and a model of their bytes. Whether a review is good or bad is drawn first; most of its
 * clauses say so, in words of their own or by denying words of the other side. The model reads reviews one after the
 * other and is never told.
 */
import { compile, fromData, reshape, type Tensor, valueAndGrad, values } from "nearmiss";
import { type ByteLanguageModel, type ByteLanguageModelParams, byteLanguageModel } from "nearmiss/language";
import { softmaxCrossEntropy } from "nearmiss/losses";
import type { LstmState } from "nearmiss/nn";
import { adam, clipByGlobalNorm } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";

const parts = ["price", "sound", "look", "cover"];
/** Of bad reviews, then of good ones. */
const adjectives = [
  ["bad", "awful", "ugly", "weak", "dull"],
  ["good", "great", "lovely", "fine", "solid"],
];
const feelings = [
  ["hate", "regret"],
  ["love", "enjoy"],
];
const outcomes = [
  ["broke soon", "a waste"],
  ["works well", "will last"],
];

export interface Review {
  text: string;
  /** 1: good. */
  label: 0 | 1;
}

/** A review of five short clauses, of which each takes the other side with probability 0.1. */
export function review(draw: Random): Review {
  const label = draw.integer(0, 2) as 0 | 1;
  const clause = () => {
    const side = draw.next() < 0.9 ? label : 1 - label;
    switch (draw.integer(0, 4)) {
      case 0:
        return `${draw.choice(adjectives[side]!)} ${draw.choice(parts)}`;
      case 1:
        return `not ${draw.choice(adjectives[1 - side]!)}`;
      case 2:
        return `${draw.choice(feelings[side]!)} it`;
      default:
        return draw.choice(outcomes[side]!);
    }
  };
  return { text: `${Array.from({ length: 5 }, clause).join(". ")}.`, label };
}

/** The words that speak for a side, and "not" turns the adjective behind it: from −1, all bad, to 1, all good; 0 without any. */
export function polarity(text: string): number {
  let [total, count] = [0, 0];
  for (const [side, sign] of [
    [0, -1],
    [1, 1],
  ] as const)
    for (const phrase of [...adjectives[side]!, ...feelings[side]!, ...outcomes[side]!])
      for (const { index } of text.matchAll(new RegExp(`\\b${phrase}\\b`, "g"))) {
        total += text.slice(0, index).endsWith("not ") ? -sign : sign;
        count++;
      }
  return count === 0 ? 0 : total / count;
}

/** What is read of a text, as in the authors' code: a new line and a blank before it, a blank behind. */
export const framed = (text: string): Uint8Array => new TextEncoder().encode(`\n ${text} `);

export interface ByteTraining {
  hidden: number;
  embedding: number;
  /** Streams read side by side, and bytes of each between two updates. */
  batchSize: number;
  length: number;
  steps: number;
  learningRate: number;
}

export const modelOf = ({
  hidden,
  embedding,
}: Pick<ByteTraining, "hidden" | "embedding">): ByteLanguageModel => byteLanguageModel({ hidden, embedding });

/** Trains by Adam on endless reviews, the state carried from piece to piece; the rate falls to 0 in a line. */
export async function trainBytes(
  options: ByteTraining & {
    seed: number;
    signal?: AbortSignal;
    /** The loss in bits a byte. */
    onStep?: (step: number, loss: number) => void;
  },
): Promise<ByteLanguageModelParams> {
  const { batchSize, length, steps, learningRate, seed, signal, onStep } = options;
  const root = random(seed).split("bytes");
  const model = modelOf(options);
  const start = model.init(root.split("weights"));
  const step = stepOf(options);
  let state = adam({ learningRate: 1 }).init(start);
  let carried = model.start(batchSize);
  const streams = Array.from({ length: batchSize }, (_, row) => stream(root.split("stream").split(row)));
  const heads = Int32Array.from(streams, (next) => next());
  for (let i = 0; i < steps; i++) {
    signal?.throwIfAborted();
    const [inputs, targets] = [new Int32Array(batchSize * length), new Int32Array(batchSize * length)];
    streams.forEach((next, row) => {
      for (let t = 0; t < length; t++) {
        inputs[row * length + t] = heads[row]!;
        heads[row] = next();
        targets[row * length + t] = heads[row]!;
      }
    });
    const rate = learningRate * (1 - i / steps);
    const result = await step(
      state,
      carried,
      { inputs: fromData(inputs, [batchSize, length]), targets: fromData(targets, [batchSize * length]) },
      fromData(Float32Array.of(rate), []),
    );
    state = result.state;
    carried = result.carried;
    onStep?.(i + 1, values(result.loss)[0]! / Math.LN2);
  }
  return state.params;
}

/** Bytes of reviews without end. */
function stream(draw: Random): () => number {
  let bytes: Uint8Array = new Uint8Array();
  let at = 0;
  return () => {
    if (at === bytes.length) {
      bytes = framed(review(draw).text);
      at = 0;
    }
    return bytes[at++]!;
  };
}

type State = ReturnType<ReturnType<typeof adam>["init"]> & { params: ByteLanguageModelParams };

function stepOf(options: ByteTraining) {
  const model = modelOf(options);
  return compile(
    (
      state: State,
      carried: LstmState,
      { inputs, targets }: { inputs: Tensor; targets: Tensor },
      rate: Tensor,
    ) => {
      const [[loss, next], gradients] = valueAndGrad((params: ByteLanguageModelParams) => {
        const { logits, state: after } = model.read(params, inputs, { start: carried });
        const flat = reshape(logits, [targets.shape[0]!, 256]);
        return [softmaxCrossEntropy(flat, targets), after] as const;
      })(state.params);
      const update = adam({ learningRate: () => rate }).update(state, clipByGlobalNorm(gradients, 1));
      return { state: update, carried: next, loss };
    },
    { threads: 1 },
  );
}
