/** How much of what training had learned it loses again. */

/**
 * At each checkpoint the share of examples that were learned at an earlier one and are not now.
 *
 * For groups of negatives, an example is a query and counts as learned where its positive stands above all
 * members of the group.
 *
 * Source: Sun et al., "Reduce catastrophic forgetting of dense retrieval training with teleportation negatives"
 * (2022), section 3.
 *
 * @param learned [checkpoints][examples], in the order of training; anything but 0 and false counts as learned
 * @returns [checkpoints]; the first is 0
 * @throws RangeError where checkpoints differ in length or have no examples
 */
export function forgettingRate(learned: readonly ArrayLike<number | boolean>[]): Float64Array {
  const examples = learned[0]?.length ?? 0;
  if (examples === 0) throw new RangeError("forgettingRate: learned has no examples");
  const ever = new Uint8Array(examples);
  return Float64Array.from(learned, (now, checkpoint) => {
    if (now.length !== examples)
      throw new RangeError(
        `forgettingRate: checkpoint ${checkpoint} has ${now.length} examples; expected ${examples}, as the first`,
      );
    let forgotten = 0;
    for (let i = 0; i < examples; i++)
      if (now[i]) ever[i] = 1;
      else forgotten += ever[i]!;
    return forgotten / examples;
  });
}
