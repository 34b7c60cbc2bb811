/** Facts of countries as words of which each is one token, for tasks that word them in ways of their own. */
import { type CountryRelation, countryFacts } from "nearmiss/data";
import type { Random } from "nearmiss/random";

/** Objects by country and relation. Names of several words are one word. */
export type WordedFacts = ReadonlyMap<string, ReadonlyMap<CountryRelation, string>>;

/**
 * Countries that have an object of each relation, in random order; of several objects the first. Those whose object is
 * their own name are left out: it would give the answer away.
 */
export function wordedFacts(count: number, relations: readonly CountryRelation[], draw: Random): WordedFacts {
  const found = new Map<string, Map<CountryRelation, string>>();
  for (const { subject, relation, object } of countryFacts({ relations, membersOnly: true })) {
    const own = found.get(oneWord(subject)) ?? new Map<CountryRelation, string>();
    if (!own.has(relation)) own.set(relation, oneWord(object));
    found.set(oneWord(subject), own);
  }
  const complete = [...found].filter(
    ([subject, own]) => own.size === relations.length && ![...own.values()].includes(subject),
  );
  return new Map(draw.shuffle(complete).slice(0, count));
}

const oneWord = (name: string) => name.replaceAll(" ", "_");

export interface WordTokens {
  /** Words in the order of their numbers; it grows with each new word. */
  names: readonly string[];
  /** Numbers of words that single spaces part. */
  encode(text: string): number[];
}

/** @param special Words of the first numbers. */
export function wordTokens(special: readonly string[]): WordTokens {
  const numbers = new Map(special.map((word, i) => [word, i]));
  const names = [...special];
  return {
    names,
    encode: (text) =>
      text.split(" ").map((word) => {
        if (!numbers.has(word)) numbers.set(word, names.push(word) - 1);
        return numbers.get(word)!;
      }),
  };
}
