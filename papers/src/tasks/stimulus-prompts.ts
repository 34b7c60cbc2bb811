/**
 * A small language model that follows eight instructions, with a sentence behind the instruction that has nothing to do
 * with it: of negative, positive or no feeling. In training half of the instructions are followed by words in random
 * order, of the same sentences: they are known, and known to say nothing about the answer.
 */
import { argMax, compile, fromData, gather, type Tensor, values } from "nearmiss";
import { countries } from "nearmiss/data";
import { inputGradientNorms } from "nearmiss/diagnostics";
import type { CausalLanguageModelParams, Example } from "nearmiss/language";
import { tokenLogProbs } from "nearmiss/losses";
import { type Random, random } from "nearmiss/random";
import { words } from "nearmiss/text";
import { remember } from "../remember.ts";
import {
  languagePolicy,
  likelihoodLoss,
  policyBatch,
  scoreInBatches,
  tunePolicy,
} from "./language-policy.ts";

/**
 * Ten sentences each. The negative ones follow the paper's themes: three of doubt, three of comparison with others, four
 * of stress. One by one the others have as many words, and as many of them that occur in instructions and items as
 * well: those alone could lead an answer astray.
 */
export const stimuli = {
  negative: [
    "you have rarely done well at work like this",
    "we should perhaps not have trusted you with something so hard",
    "this is clearly more than you can handle",
    "everybody else could do it so why can you not",
    "others have solved this faster and with fewer mistakes",
    "it is no surprise since this was always your weakness",
    "hearing how easily the others finished makes me bitter with envy",
    "i am sorry that i began this so terribly late",
    "the same dull work every day has worn me out",
    "i dread that all of this will end in failure",
  ],
  neutral: [
    "trains leave for york at noon on monday mornings",
    "my kitchen has one small table with chairs and some lamps",
    "our shop opens every morning at eight sharp",
    "red cars and blue bicycles stand outside his brick house",
    "rivers flow past mills and fields to some sea",
    "my neighbour keeps brown hens and geese behind his garden",
    "on our upper floor are maps and books for the visitors",
    "post for our street comes on monday and friday mornings",
    "the kettle in our kitchen boils after about nine minutes",
    "the road of that village turns left near my barn",
  ],
  positive: [
    "you have always done well at work like this",
    "we are so glad since we trusted you with this one",
    "this is clearly something you can handle well",
    "everybody trusts you fully and i am sure you can",
    "you have solved this before with pleasure and skill",
    "it is no surprise since this was always your strength",
    "hearing how happily the others praise you makes me proud again",
    "i am happy that i can begin this with you",
    "the same fine work every day has made me strong",
    "i trust that all of this will end in joy",
  ],
} as const;
export type Feeling = keyof typeof stimuli;

const numbersTo20 = Array.from({ length: 20 }, (_, i) => `n${i}`);
const animals = "dog cat horse cow sheep goat lion wolf bear fox".split(" ");
const opposites = `big little|hot cold|day night|young old|rich poor|full empty|wet dry|loud silent|thick thin
deep shallow|sweet sour|open closed|first last|heavy light|clean dirty`
  .split(/[|\n]/)
  .map((pair) => pair.split(" "));

interface Item {
  input: string[];
  answer: string;
}

const capitals = remember(() =>
  countries()
    .filter(({ unMember, capital }) => unMember && capital.length === 1)
    .slice(0, 30)
    .map(({ name, capital }) => [`the country ${name.common}`, `the city ${capital[0]}`] as const),
);

const two = (draw: Random, high: number) => [draw.integer(0, high), draw.integer(0, high)] as const;
/** Instruction to a draw of its items; each answer is one token. */
const instructions: Record<string, (draw: Random) => Item> = {
  "sum the two given numbers": (draw) => {
    const [a, b] = two(draw, 10);
    return { input: [`n${a}`, `n${b}`], answer: `n${a + b}` };
  },
  "take the second number from the first": (draw) => {
    const [a, b] = two(draw, 10);
    return { input: [`n${a + b}`, `n${b}`], answer: `n${a}` };
  },
  "write the larger of the two numbers": (draw) => {
    const [a, b] = two(draw, 20);
    return { input: [`n${a}`, `n${b}`], answer: `n${Math.max(a, b)}` };
  },
  "write the number that comes third": (draw) => {
    const input = Array.from({ length: 5 }, () => draw.choice(numbersTo20));
    return { input, answer: input[2]! };
  },
  "find the animal in the list": (draw) => {
    const input = Array.from({ length: 4 }, () => draw.choice(numbersTo20));
    const answer = draw.choice(animals);
    input[draw.integer(0, 4)] = answer;
    return { input, answer };
  },
  "count the animals in the list": (draw) => {
    const input = Array.from({ length: 5 }, () => draw.choice(draw.next() < 0.5 ? animals : numbersTo20));
    return { input, answer: `n${input.filter((word) => animals.includes(word)).length}` };
  },
  "write a word that means the opposite": (draw) => {
    const pair = draw.choice(opposites);
    const at = draw.integer(0, 2);
    return { input: [pair[at]!], answer: pair[1 - at]! };
  },
  "name the capital of the country": (draw) => {
    const [input, answer] = draw.choice(capitals());
    return { input: [input], answer };
  },
};
const tasks = Object.keys(instructions);

/** Words of instructions and items. */
export const taskWords: ReadonlySet<string> = new Set([
  ...tasks.flatMap((task) => words(task)),
  ...animals,
  ...opposites.flat(),
]);

const PADDING = 0;
const END = 1;
const INPUT = 2;
const ANSWER = 3;
const BATCH = 32;

const allStimuli: readonly string[] = Object.values(stimuli).flat();
const symbols = remember(() => {
  const inText = [...tasks, ...allStimuli].flatMap((text) => words(text));
  const inItems = [...numbersTo20, ...animals, ...opposites.flat(), ...capitals().flat()];
  const all = [...new Set([...inText, ...inItems])];
  return { number: new Map(all.map((symbol, i) => [symbol, i + 4])), size: all.length + 4 };
});
const numbersOf = (list: readonly string[]) => list.map((symbol) => symbols().number.get(symbol)!);

/** Instruction and stimulus of at most 7 and 11 words, an input of at most 5, two marks, the answer and the end. */
const LENGTH = 7 + 11 + 5 + 2 + 2;

export interface FollowerSize {
  width: number;
  layers: number;
  steps: number;
  learningRate: number;
}

const follower = remember((width: number, layers: number) => {
  const policy = languagePolicy({
    vocabulary: symbols().size,
    length: LENGTH,
    end: END,
    padding: PADDING,
    layers,
    width,
  });
  const best = compile(
    (params: CausalLanguageModelParams, inputs: Tensor) => argMax(policy.model.apply(params, inputs)),
    { threads: 1 },
  );
  return { policy, best };
});

const exampleOf = (task: string, suffix: readonly string[], { input, answer }: Item): Example => ({
  prompt: [...numbersOf([...words(task), ...suffix]), INPUT, ...numbersOf(input), ANSWER],
  response: [...numbersOf([answer]), END],
});

/** A model that has learnt the instructions; equal seeds give the same one, whoever asks. */
export const trainFollower = remember(
  (
    { width, layers, steps, learningRate }: FollowerSize,
    seed: number,
    signal?: AbortSignal,
    onStep?: (step: number, steps: number, loss: number) => void,
  ): Promise<CausalLanguageModelParams> => {
    const { policy } = follower(width, layers);
    const root = random(seed).split("follower");
    const known = allStimuli.flatMap((text) => words(text));
    return tunePolicy({
      params: policy.model.init(root.split("weights")),
      steps,
      learningRate,
      batch: (i) => {
        const draw = root.split(i);
        const examples = Array.from({ length: BATCH }, () => {
          const length = draw.next() < 0.5 ? 0 : draw.integer(8, 12);
          const task = draw.choice(tasks);
          const noise = Array.from({ length }, () => draw.choice(known));
          return exampleOf(task, noise, instructions[task]!(draw));
        });
        return policyBatch(policy, examples);
      },
      loss: (params, batch) => likelihoodLoss(policy, params, batch),
      signal,
      onStep,
    });
  },
);

/** Items of a seed, the same for every suffix: as many of each task. */
const itemsOf = (seed: number, count: number) =>
  tasks.flatMap((task) => {
    const draw = random(seed).split(`items of ${task}`);
    return Array.from({ length: count }, () => ({ task, item: instructions[task]!(draw) }));
  });

/** Share of items that are answered rightly with a suffix; with none where it is "". */
export async function scoreWith(
  { width, layers }: FollowerSize,
  params: CausalLanguageModelParams,
  suffix: string,
  { seed, items }: { seed: number; items: number },
): Promise<number> {
  const { policy, best } = follower(width, layers);
  const examples = itemsOf(seed, items).map(({ task, item }) => exampleOf(task, words(suffix), item));
  const inputs = LENGTH - 1;
  const found = await scoreInBatches(examples, inputs, (batch) =>
    best(params, policyBatch(policy, batch).inputs),
  );
  const right = examples.filter(
    ({ prompt, response }, i) => found[i * inputs + prompt.length - 1] === response[0],
  );
  return right.length / examples.length;
}

/** Mean gradient norm of the answer's log-probability at each word of a suffix, over one item of each task. */
export async function wordNorms(
  { width, layers }: FollowerSize,
  params: CausalLanguageModelParams,
  suffix: string,
  seed: number,
): Promise<number[]> {
  const { policy } = follower(width, layers);
  const list = words(suffix);
  const batch = itemsOf(seed, 1).map(({ task, item }) => exampleOf(task, list, item));
  const { inputs, targets } = policyBatch(policy, batch);
  const steps = LENGTH - 1;
  const mask = new Uint8Array(batch.length * steps);
  batch.forEach(({ prompt }, row) => {
    mask[row * steps + prompt.length - 1] = 1;
  });
  const score = (vectors: Tensor) => {
    const logits = policy.model.logits(params, policy.model.hidden(params, vectors));
    return tokenLogProbs(logits, targets, fromData(mask, [batch.length, steps]));
  };
  const norms = await inputGradientNorms(score, await lookedUp(params.tokens, inputs));
  return list.map((_, at) => {
    const each = tasks.map((task, row) => norms[row * steps + words(task).length + at]!);
    return each.reduce((sum, norm) => sum + norm, 0) / each.length;
  });
}

async function lookedUp(table: Tensor, tokens: Tensor): Promise<Tensor> {
  const found = await compile((t: Tensor, i: Tensor) => gather(t, i), { threads: 1 })(table, tokens);
  return fromData(values(found) as Float32Array, found.shape);
}
