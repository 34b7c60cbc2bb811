/** Hyper-parameters are chosen on data of this seed, which no trial uses (trials count from 1). */
export const TUNING_SEED = 1_000_000;

/** Where threads that run trials of one study side by side learn what another of them has chosen. */
export interface ChoiceDesk {
  /** The number of the chosen candidate, once it is known; undefined: the asker is to search. */
  ask(name: string): Promise<number | undefined>;
  /** Tells what an asker who was to search has found; undefined where the search failed. */
  tell(name: string, candidate: number | undefined): void;
}

let desk: ChoiceDesk = { ask: async () => undefined, tell: () => {} };

/** Shares this thread's choices from now on. */
export function shareChoices(shared: ChoiceDesk): void {
  desk = shared;
}

const chosen = new Map<string, Promise<unknown>>();

/**
 * The candidate with the highest score (the first of equals), searched once a run for each key:
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
  const result = choose(name, candidates, score);
  chosen.set(name, result);
  // A search that was stopped must not be remembered as the answer.
  result.catch(() => chosen.delete(name));
  return result;
}

async function choose<T>(
  name: string,
  candidates: readonly T[],
  score: (candidate: T) => Promise<number>,
): Promise<T> {
  if (candidates.length === 1) return candidates[0]!;
  const shared = await desk.ask(name);
  if (shared !== undefined) return candidates[shared]!;
  let best: number | undefined;
  try {
    best = await search(candidates, score);
  } finally {
    desk.tell(name, best);
  }
  return candidates[best]!;
}

async function search<T>(candidates: readonly T[], score: (candidate: T) => Promise<number>) {
  let best = 0;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (const [i, candidate] of candidates.entries()) {
    const value = await score(candidate);
    if (value > bestScore) {
      best = i;
      bestScore = value;
    }
  }
  return best;
}
