/** An input with an answer that is wanted and, perhaps, one that is not. */
export interface ContrastiveExample<T> {
  input: readonly T[];
  good: readonly T[];
  bad?: readonly T[];
}

/** What stands before each part of a prompt: tokens of a model, or lines of text. */
export interface PromptMarks<T> {
  input: readonly T[];
  good: readonly T[];
  bad: readonly T[];
  /** Asks for what separates good answers from bad ones. */
  analysis: readonly T[];
  /** Asks for the answer. */
  answer: readonly T[];
}

export interface ContrastivePromptOptions<T> {
  examples: readonly ContrastiveExample<T>[];
  /** What shall be answered. */
  input: readonly T[];
  marks: PromptMarks<T>;
  /** Asks for an analysis before the answer, where there is a bad answer to compare with. Default: false. */
  analysis?: boolean;
}

/**
 * A prompt that shows what is wanted and what is to be avoided: [input, good, bad] of each example, then the input.
 * Without bad answers it is a few-shot prompt, without examples a zero-shot prompt.
 *
 *     contrastivePrompt({
 *       examples: [{ input: ["Who won?"], good: ["Peru did."], bad: ["PERU DID!!"] }],
 *       input: ["Who lost?"],
 *       marks: {
 *         input: ["Question:"], good: ["Good answer:"], bad: ["Bad answer:"],
 *         analysis: ["What do good answers have that bad ones lack?"], answer: ["Good answer:"],
 *       },
 *     }).join("\n");
 *
 * Source: Gao and Das 2024, "Customizing Language Model Responses with Contrastive In-Context Learning".
 */
export function contrastivePrompt<T>({
  examples,
  input,
  marks,
  analysis = false,
}: ContrastivePromptOptions<T>): T[] {
  const shown = examples.flatMap((example) => [
    ...marks.input,
    ...example.input,
    ...marks.good,
    ...example.good,
    ...(example.bad ? [...marks.bad, ...example.bad] : []),
  ]);
  const compared = analysis && examples.some(({ bad }) => bad);
  return [...shown, ...marks.input, ...input, ...(compared ? marks.analysis : marks.answer)];
}
