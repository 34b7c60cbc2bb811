import { vote } from "./vote.ts";

export interface Consistent<T> {
  /** What most samples answer, the first of equals; undefined where none has an answer. */
  answer: T | undefined;
  /** Numbers of the samples that answer it. */
  kept: number[];
  /** Numbers of the others. */
  rejected: number[];
}

/**
 * Divides samples by whether their answer is that of the majority: the filter that keeps a teacher's rationales.
 *
 * Source: Wang et al., "Self-Consistency Improves Chain of Thought Reasoning in Language Models" (2023).
 *
 * @param answers One a sample; undefined where it has none, which never agrees.
 */
export function selfConsistent<T>(answers: readonly (T | undefined)[]): Consistent<T> {
  const [answer] = vote(answers);
  const all = answers.map((_, i) => i);
  const agrees = (i: number) => answer !== undefined && answers[i] === answer;
  return { answer, kept: all.filter(agrees), rejected: all.filter((i) => !agrees(i)) };
}
