/**
 * Tuning one attention head after the other until none leans to "no" any more: NASA, after Yu et al. 2024, "Correcting
 * Negative Bias in Large Language Models through Negative Attention Score Alignment".
 */
import { fromData, sizeOf, type Tensor } from "../tensor/tensor.ts";
import { mapTree } from "../tree.ts";

export interface Head {
  /** Number of the transformer block. */
  block: number;
  /** Number of the head in it. */
  head: number;
}

/** What is known of a model with certain weights. */
export interface HeadMeasurement {
  /** Negative attention score of a head, a mean over sequences. */
  score(head: Head): number;
  /** Precision minus recall of "yes" on validation questions. */
  gap: number;
  /** Share of validation questions that are answered correctly. */
  accuracy: number;
}

export interface AlignHeadsOptions<P> {
  params: P;
  /** In the order in which they are tuned, usually by falling score. */
  heads: readonly Head[];
  /** The weights after some steps on one head alone; see `headMask`. `round` counts from 0 over all heads. */
  tune(params: P, head: Head, round: number): Promise<P>;
  measure(params: P): Promise<HeadMeasurement>;
  /** How often a head is tuned and measured at most. Default: 3. */
  rounds?: number;
  /** How much accuracy a head may cost before it is set back. Default: 0.01. */
  tolerance?: number;
}

export interface AlignedHeads<P> {
  params: P;
  /** Heads that were tuned and kept, and those that were set back. */
  kept: Head[];
  setBack: Head[];
}

/**
 * Visits heads in turn. A head is tuned until its score is no longer positive, or for all of its rounds. It is set back
 * to what it was if accuracy has fallen by more than the tolerance, or the gap has not become smaller in absolute value.
 * The paper stops at validation checks whose constants it does not tell; these are ours.
 *
 * @throws RangeError for rounds that are no whole number of at least 1
 */
export async function alignHeads<P>({
  params,
  heads,
  tune,
  measure,
  rounds = 3,
  tolerance = 0.01,
}: AlignHeadsOptions<P>): Promise<AlignedHeads<P>> {
  if (!(Number.isSafeInteger(rounds) && rounds >= 1))
    throw new RangeError(`alignHeads: rounds is ${rounds}; expected a whole number of at least 1`);
  let best = params;
  let known = await measure(params);
  let round = 0;
  const kept: Head[] = [];
  const setBack: Head[] = [];
  for (const head of heads) {
    let tuned = best;
    let found = known;
    for (let i = 0; i < rounds && (i === 0 || found.score(head) > 0); i++) {
      tuned = await tune(tuned, head, round++);
      found = await measure(tuned);
    }
    const harmless = found.accuracy >= known.accuracy - tolerance;
    if (harmless && Math.abs(found.gap) < Math.abs(known.gap)) {
      best = tuned;
      known = found;
      kept.push(head);
    } else setBack.push(head);
  }
  return { params: best, kept, setBack };
}

/**
 * 1 for what a head's queries and keys are made by, 0 elsewhere, in the shape of a model's parameters: gradients times
 * this leave all else to the bit as it is, as steps of Adam without weight decay are 0 where gradients have always been.
 *
 * @param params of a `causalLanguageModel` or another model whose parameters hold `blocks` with `attention`
 * @param heads How many heads a block has.
 * @throws RangeError where the parameters have no such head
 */
export function headMask<P>(params: P, { block, head }: Head, heads: number): P {
  const place = new RegExp(`(^|\\.)blocks\\.${block}\\.attention\\.(query|key)\\.(weight|bias)$`);
  let found = 0;
  const mask = mapTree(params, (tensor: Tensor, _, path: string) => {
    const data = new Float32Array(sizeOf(tensor.shape));
    if (place.test(path)) {
      found++;
      const width = tensor.shape.at(-1)!;
      const size = width / heads;
      for (let at = 0; at < data.length; at++) data[at] = Math.floor((at % width) / size) === head ? 1 : 0;
    }
    return fromData(data, tensor.shape);
  });
  if (found === 0 || !(Number.isSafeInteger(head) && head >= 0 && head < heads))
    throw new RangeError(
      `headMask: block ${block} has no head ${head}; expected a block of the model and a head from 0 to ${heads - 1}`,
    );
  return mask;
}
