/** Sentences with and without negation, and scores of what is made of them. */

export * from "./affixes.ts";
export * from "./align-heads.ts";
export { conjugate, type VerbForm, verbForm } from "./conjugate.ts";
export * from "./cues.ts";
export * from "./logic.ts";
export * from "./negate.ts";
export * from "./negated-prompts.ts";
export * from "./negation-pairs.ts";
export * from "./negation-sensitivity.ts";
export * from "./negative-attention-score.ts";
export * from "./truth-scores.ts";
export * from "./truth-sentences.ts";
