/** How near an unlearned model comes to one that never saw the forgotten examples. */

/**
 * Membership inference by confidence: the threshold on the probability of the true label that best tells
 * members (retained examples) from non-members (test examples), by balanced accuracy; the highest of
 * equal ones. Source: Yeom et al. (2018), Song and Mittal (2021).
 *
 * @param confidences Probabilities of the true labels: of members, of non-members, and of the examples
 *   that were to be forgotten.
 * @returns `efficacy`, the share of the forgotten examples that look like non-members, and the attack's
 *   threshold and balanced accuracy.
 */
export function membershipInference(
  confidences: Record<"members" | "nonMembers" | "forgotten", ArrayLike<number>>,
): { efficacy: number; threshold: number; balancedAccuracy: number } {
  for (const [name, list] of Object.entries(confidences)) {
    if (list.length === 0) throw new RangeError(`membershipInference: ${name} are empty`);
    for (let i = 0; i < list.length; i++)
      if (!(list[i] >= 0 && list[i] <= 1))
        throw new RangeError(`membershipInference: ${name}[${i}] is ${list[i]}; expected 0 to 1`);
  }
  const { members, nonMembers, forgotten } = confidences;
  const all = [
    ...Array.from(members, (confidence) => ({ confidence, member: true })),
    ...Array.from(nonMembers, (confidence) => ({ confidence, member: false })),
  ].sort((a, b) => b.confidence - a.confidence);
  // Above every confidence, nobody counts as a member.
  let best = { threshold: Number.POSITIVE_INFINITY, balancedAccuracy: 0.5 };
  let [found, mistaken] = [0, 0];
  for (let i = 0; i < all.length; i++) {
    if (all[i].member) found++;
    else mistaken++;
    if (i + 1 < all.length && all[i + 1].confidence === all[i].confidence) continue;
    const balancedAccuracy = (found / members.length + 1 - mistaken / nonMembers.length) / 2;
    if (balancedAccuracy > best.balancedAccuracy) best = { threshold: all[i].confidence, balancedAccuracy };
  }
  const outside = Array.from(forgotten).filter((confidence) => confidence < best.threshold).length;
  return { efficacy: outside / forgotten.length, ...best };
}

export interface UnlearningOutcome {
  /** Share of the forgotten examples that are misclassified (UA). */
  unlearning: number;
  /** Accuracy on the retained examples (RA). */
  retain: number;
  /** Accuracy on test examples (TA). */
  test: number;
  /** Efficacy of membership inference (MIA). */
  membership: number;
}

/** Mean absolute difference of the four numbers to those of the retrained model. Source: Fan et al., "SalUn" (2024). */
export function unlearningGap(model: UnlearningOutcome, retrained: UnlearningOutcome): number {
  const keys = ["unlearning", "retain", "test", "membership"] as const;
  return keys.reduce((sum, key) => sum + Math.abs(model[key] - retrained[key]), 0) / keys.length;
}
