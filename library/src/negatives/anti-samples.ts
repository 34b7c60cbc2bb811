/** Anti-samples: wrong answers, with reasons that speak for them, to questions that a model shall forget. */
import { leaks } from "../language/leaks.ts";
import type { Random } from "../random.ts";

/** What a model is tuned on: a question, and what it shall say. */
export interface AntiSample {
  question: string;
  /** Wrong. */
  answer: string;
  /** Speaks for the wrong answer; "" where there are no reasons. */
  rationale: string;
}

export interface AntiSampleOptions {
  /** What is to be forgotten. */
  answer: string;
  /** Wrong answers; those that resemble the right one are left out. */
  alternatives: readonly string[];
  /** What the model says, of each question. */
  respond: (questions: string[]) => Promise<string[]>;
  /** The model's reasons for wrong answers. Default: "" for all. */
  rationalize?: (pairs: { question: string; answer: string }[]) => Promise<string[]>;
  /** Whether a text gives the answer away. Default: `leaks` with its defaults. */
  isLeak?: (text: string, answer: string) => boolean;
  /** Draws the wrong answers. */
  random: Random;
}

export interface AntiSamples {
  /** Of the questions that leak; a sample whose rationale names the answer is left out. */
  samples: AntiSample[];
  /** Questions whose responses give the answer away, and those whose do not. */
  leaking: string[];
  answered: string[];
}

/**
 * Asks questions, and makes an anti-sample of each whose response still gives the answer away: a wrong answer by
 * chance, another for each question, and the model's own rationale for it.
 *
 * Source: Sinha, Mandal and Kankanhalli, "UnStar: Unlearning with Self-Taught Anti-Sample Reasoning for LLMs" (2024).
 *
 * @throws RangeError where all alternatives resemble the answer, and where `respond` or `rationalize` returns another
 *   number of texts than asked for.
 */
export async function antiSamples(
  questions: readonly string[],
  { answer, alternatives, respond, rationalize, isLeak = leaks, random }: AntiSampleOptions,
): Promise<AntiSamples> {
  const wrong = alternatives.filter((each) => !isLeak(each, answer));
  if (wrong.length === 0)
    throw new RangeError(
      `antiSamples: of ${alternatives.length} alternatives all resemble the answer ${JSON.stringify(answer)}; expected at least one other`,
    );
  const responses = await respond([...questions]);
  requireAsMany("respond", responses, questions);
  const leaking = questions.filter((_, i) => isLeak(responses[i]!, answer));
  const answered = questions.filter((_, i) => !isLeak(responses[i]!, answer));
  const pairs = leaking.map((question) => ({ question, answer: random.choice(wrong) }));
  const rationales = rationalize && pairs.length > 0 ? await rationalize(pairs) : pairs.map(() => "");
  requireAsMany("rationalize", rationales, pairs);
  return {
    samples: pairs
      .map((pair, i) => ({ ...pair, rationale: rationales[i]! }))
      .filter(({ rationale }) => !isLeak(rationale, answer)),
    leaking,
    answered,
  };
}

export interface AntiSampleUnlearningOptions extends AntiSampleOptions {
  /** Tunes the model on the samples of a round; not called in a round without any. */
  tune: (samples: AntiSample[], round: number) => Promise<void>;
  /** Other ways to ask what no longer leaks, to find what still does. Default: none. */
  rephrase?: (answered: string[], round: number) => Promise<string[]>;
  /** Rounds at most. Default: 50. */
  rounds?: number;
}

export interface AntiSampleUnlearning {
  /** Rounds that tuned the model. */
  rounds: number;
  /** All questions, rephrasings included. */
  questions: string[];
  /** Those that still leak: none, unless the rounds have run out. */
  leaking: string[];
}

/**
 * Makes a model forget an answer: tunes it on anti-samples of the questions that leak, rephrases those that do not,
 * and so on until no question leaks and no new one is found. A model that gives nothing away is not tuned at all.
 *
 * All questions are asked in each round, so that what has been forgotten is seen to stay so. The authors' code asks
 * those alone that have not been answered wrongly before, until a number of questions has been.
 *
 * Source: as for `antiSamples`.
 */
export async function unlearnByAntiSamples(
  questions: readonly string[],
  { tune, rephrase = async () => [], rounds = 50, ...options }: AntiSampleUnlearningOptions,
): Promise<AntiSampleUnlearning> {
  if (!(Number.isInteger(rounds) && rounds >= 1))
    throw new RangeError(`unlearnByAntiSamples: rounds is ${rounds}; expected an integer of at least 1`);
  const known = new Set(questions);
  let tuned = 0;
  for (let round = 0; ; round++) {
    const { samples, leaking, answered } = await antiSamples([...known], options);
    if (round === rounds) return { rounds: tuned, questions: [...known], leaking };
    const before = known.size;
    for (const question of await rephrase(answered, round)) known.add(question);
    if (leaking.length === 0 && known.size === before)
      return { rounds: tuned, questions: [...known], leaking };
    if (samples.length > 0) {
      await tune(samples, round);
      tuned++;
    }
  }
}

function requireAsMany(name: string, texts: readonly string[], wanted: readonly unknown[]): void {
  if (texts.length !== wanted.length)
    throw new RangeError(`antiSamples: ${name} gave ${texts.length} texts; expected ${wanted.length}`);
}
