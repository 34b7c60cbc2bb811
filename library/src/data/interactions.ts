/** Who chose what: bipartite data with a long tail, as recommenders learn from. */
import { random } from "../random.ts";
import { words } from "../text/words.ts";
import { speeches } from "./texts.ts";

export interface Interactions {
  users: number;
  items: number;
  /** For each user the items to learn from, to choose settings by, and to test on; all ascending. */
  train: Int32Array[];
  validation: Int32Array[];
  test: Int32Array[];
  /** What the items are called. */
  names: string[];
}

export interface SpeechInteractionOptions {
  /** Passages, drawn at random. */
  users: number;
  /** Words. */
  items: number;
  /** The first year of the addresses. Default: 1946, for 470,000 words. */
  since?: number;
  /** The most frequent words are left out, so many. Default: 100. */
  skip?: number;
  /** Users with fewer items are left out. Default: 20. */
  minimum?: number;
  /** Shares of each user's items. Default: 0.1 and 0.2. */
  validation?: number;
  test?: number;
  seed: number;
}

/** Words in a passage. */
const PASSAGE = 150;

/**
 * Passages of 150 words out of State of the Union addresses as users and the words in them as items: what a
 * passage is about makes some words likely that were held out, and few words occur in many passages.
 *
 * @throws RangeError where there are fewer passages or words than asked for
 */
export function speechInteractions({
  users,
  items,
  since = 1946,
  skip = 100,
  minimum = 20,
  validation = 0.1,
  test = 0.2,
  seed,
}: SpeechInteractionOptions): Interactions {
  if (!(validation >= 0 && test >= 0 && validation + test < 1))
    throw new RangeError(
      `speechInteractions: validation ${validation} and test ${test}; expected shares with a sum below 1`,
    );
  const passages = passagesSince(since);
  const counts = new Map<string, number>();
  for (const passage of passages) for (const word of passage) counts.set(word, (counts.get(word) ?? 0) + 1);
  const frequent = [...counts.keys()].sort((a, b) => counts.get(b)! - counts.get(a)! || (a < b ? -1 : 1));
  const names = frequent.slice(skip, skip + items);
  const numberOf = new Map(names.map((word, number) => [word, number]));
  const root = random(seed).split("interactions");
  const chosen: Int32Array[] = [];
  for (const at of root.split("users").permutation(passages.length)) {
    const held = passages[at]!.flatMap((word) => (numberOf.has(word) ? [numberOf.get(word)!] : []));
    if (held.length >= minimum) chosen.push(Int32Array.from(held));
    if (chosen.length === users) break;
  }
  if (names.length < items || chosen.length < users)
    throw new RangeError(
      `speechInteractions: users ${users}, items ${items}; expected at most ${chosen.length} passages of ${minimum} items and ${frequent.length - skip} words`,
    );
  const parts = chosen.map((held, user) => {
    const order = root
      .split("parts")
      .split(user)
      .shuffle([...held]);
    const [a, b] = [Math.round(validation * held.length), Math.round((validation + test) * held.length)];
    const sorted = (part: number[]) => Int32Array.from(part).sort();
    return {
      validation: sorted(order.slice(0, a)),
      test: sorted(order.slice(a, b)),
      train: sorted(order.slice(b)),
    };
  });
  return {
    users,
    items,
    train: parts.map((part) => part.train),
    validation: parts.map((part) => part.validation),
    test: parts.map((part) => part.test),
    names,
  };
}

/** The different words of each passage. */
function passagesSince(since: number): string[][] {
  if (known?.since !== since)
    known = {
      since,
      passages: speeches()
        .filter(({ year }) => year >= since)
        .flatMap(({ text }) => passagesOf(words(text))),
    };
  return known.passages;
}

const passagesOf = (text: string[]): string[][] =>
  Array.from({ length: Math.floor(text.length / PASSAGE) }, (_, i) => [
    ...new Set(text.slice(i * PASSAGE, (i + 1) * PASSAGE)),
  ]);

let known: { since: number; passages: string[][] } | undefined;
