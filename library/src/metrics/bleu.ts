/**
 * BLEU of a corpus as sacrebleu computes it, on a scale of 0 to 100.
 * Source: Papineni et al. 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation";
 * smoothing as in Chen and Cherry 2014, "A Systematic Comparison of Smoothing Techniques for
 * Sentence-Level BLEU"; defaults as in Post 2018, "A Call for Clarity in Reporting BLEU Scores".
 */
export interface BleuOptions {
  /** Longest n-grams. Default 4. */
  maxOrder?: number;
  /**
   * What stands for a precision of 0: "exp" (default) halves a stand-in match again for each such order,
   * "floor" counts `smoothValue` matches, "add-k" adds `smoothValue` to matches and totals of all
   * orders above 1, "none" makes the score 0.
   */
  smoothing?: "exp" | "floor" | "add-k" | "none";
  /** Default 0.1 for "floor", 1 for "add-k". */
  smoothValue?: number;
  /** Average over the orders for which the hypotheses have n-grams: for single sentences. Default false. */
  effectiveOrder?: boolean;
  /** Default false. */
  lowercase?: boolean;
  /** Text to tokens. Default `tokenize13a`. */
  tokenize?: (text: string) => string[];
}

export interface Bleu {
  /** brevityPenalty · geometric mean of the precisions, 0 to 100. */
  score: number;
  /** Clipped n-gram precisions after smoothing, in per cent, order 1 first. */
  precisions: number[];
  /** exp(1 - reference / hypothesis length) where the hypotheses are shorter, else 1. */
  brevityPenalty: number;
  /** In tokens. */
  hypothesisLength: number;
  /** Sum over the sentences of the reference length that is nearest to the hypothesis', of two the shorter. */
  referenceLength: number;
}

/**
 * @param hypotheses one text each sentence
 * @param references one or more texts each sentence
 * @throws RangeError where the two are of different length, or a sentence has no reference
 */
export function bleu(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
  options: BleuOptions = {},
): Bleu {
  const { maxOrder = 4, lowercase = false, tokenize = tokenize13a } = options;
  if (!(Number.isSafeInteger(maxOrder) && maxOrder >= 1))
    throw new RangeError(`bleu: maxOrder ${maxOrder} must be an integer of at least 1`);
  if (hypotheses.length !== references.length || hypotheses.length === 0)
    throw new RangeError(
      `bleu: ${hypotheses.length} hypotheses and ${references.length} lists of references; as many, and one at least, are needed`,
    );
  const tokens = (text: string) => tokenize(lowercase ? text.toLowerCase() : text);
  const matches = new Float64Array(maxOrder);
  const totals = new Float64Array(maxOrder);
  let hypothesisLength = 0;
  let referenceLength = 0;

  hypotheses.forEach((text, sentence) => {
    if (references[sentence].length === 0)
      throw new RangeError(`bleu: sentence ${sentence} has no reference`);
    const hypothesis = tokens(text);
    const candidates = references[sentence].map(tokens);
    hypothesisLength += hypothesis.length;
    referenceLength += nearest(
      candidates.map((reference) => reference.length),
      hypothesis.length,
    );
    for (let order = 1; order <= maxOrder; order++) {
      const allowed = new Map<string, number>();
      for (const reference of candidates)
        for (const [ngram, count] of ngrams(reference, order))
          allowed.set(ngram, Math.max(count, allowed.get(ngram) ?? 0));
      for (const [ngram, count] of ngrams(hypothesis, order))
        matches[order - 1] += Math.min(count, allowed.get(ngram) ?? 0);
      totals[order - 1] += Math.max(0, hypothesis.length - order + 1);
    }
  });

  const brevityPenalty = hypothesisLength ? Math.exp(Math.min(0, 1 - referenceLength / hypothesisLength)) : 0;
  const lengths = { brevityPenalty, hypothesisLength, referenceLength };
  // Smoothing is for orders without a match: where not even a word matches, the score is 0.
  if (matches.every((count) => count === 0))
    return { score: 0, precisions: new Array(maxOrder).fill(0), ...lengths };
  const { precisions, orders } = smoothed(matches, totals, options);
  const logs = precisions.slice(0, orders).reduce((sum, precision) => sum + Math.log(precision), 0);
  return { score: brevityPenalty * Math.exp(logs / orders), precisions, ...lengths };
}

/** Precisions in per cent, and how many of them the mean is taken over. */
function smoothed(matches: Float64Array, totals: Float64Array, options: BleuOptions) {
  const { smoothing = "exp", effectiveOrder = false } = options;
  const { smoothValue = smoothing === "floor" ? 0.1 : 1 } = options;
  const precisions: number[] = new Array(matches.length).fill(0);
  let orders = matches.length;
  let standIn = 1;
  for (let i = 0; i < matches.length; i++) {
    const added = smoothing === "add-k" && i > 0 ? smoothValue : 0;
    const [matched, total] = [matches[i] + added, totals[i] + added];
    if (total === 0) break;
    if (effectiveOrder) orders = i + 1;
    if (matched > 0) precisions[i] = (100 * matched) / total;
    else if (smoothing === "exp") {
      standIn /= 2;
      precisions[i] = (100 * standIn) / total;
    } else if (smoothing === "floor") precisions[i] = (100 * smoothValue) / total;
  }
  return { precisions, orders };
}

function nearest(lengths: number[], length: number): number {
  return lengths.reduce((best, other) => {
    const [distance, least] = [Math.abs(other - length), Math.abs(best - length)];
    return distance < least || (distance === least && other < best) ? other : best;
  });
}

function ngrams(tokens: string[], order: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + order <= tokens.length; i++) {
    // Tokens hold no space, as a rule; U+0000 keeps those of other tokenisers apart too.
    const ngram = tokens.slice(i, i + order).join("\0");
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}

/**
 * The tokens of NIST's mteval-v13a, the standard of machine-translation campaigns: punctuation and
 * symbols stand alone, except for points and commas between digits, hyphens not after a digit, and
 * apostrophes.
 */
export function tokenize13a(text: string): string[] {
  return ` ${text
    .replaceAll("<skipped>", "")
    .replaceAll("-\n", "")
    .replaceAll("\n", " ")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")} `
    .replace(/[{-~[-` -&(-+:-@/]/g, " $& ")
    .replace(/([^0-9])([.,])/g, "$1 $2 ")
    .replace(/([.,])([^0-9])/g, " $1 $2")
    .replace(/([0-9])(-)/g, "$1 $2 ")
    .split(/\s+/)
    .filter((token) => token !== "");
}
