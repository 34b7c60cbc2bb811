/** Hyper-parameters are chosen on data of this seed, which no trial uses (trials count from 1). */
export const TUNING_SEED = 1_000_000;

const chosen = new Map<string, Promise<unknown>>();

/**
 * The candidate with the highest score (the first of equals), searched once a process for each key:
 * all seeds of an arm then use the same choice. A single candidate is taken without scoring it.
 *
 * @param key What the choice depends on, as plain data: arm, task, settings.
 * @param score Trains with a candidate and returns a validation metric, higher being better.
 */
export function chooseOnce<T>(
  key: unknown,
  candidates: readonly T[],
  score: (candidate: T) => Promise<number>,
): Promise<T> {
  const name = JSON.stringify(key);
  const known = chosen.get(name) as Promise<T> | undefined;
  if (known) return known;
  const search = async () => {
    let best = candidates[0] as T;
    if (candidates.length === 1) return best;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (const candidate of candidates) {
      const value = await score(candidate);
      if (value > bestScore) {
        best = candidate;
        bestScore = value;
      }
    }
    return best;
  };
  const result = search();
  chosen.set(name, result);
  // A search that was stopped must not be remembered as the answer.
  result.catch(() => chosen.delete(name));
  return result;
}
