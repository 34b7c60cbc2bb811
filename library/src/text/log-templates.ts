/** A log parser: which messages are the same event with other parameters? */

const WILDCARD = "<*>";

export interface LogTemplates {
  /** The templates in the order in which they were first seen; where messages of one differ, it has `<*>`. */
  templates: readonly string[];
  /** For each message that was parsed the index of its template. */
  assigned: Int32Array;
  /** The template of a message that was not there at parsing, or -1 where none is similar enough. */
  match(message: string): number;
}

/**
 * Parses log messages as Drain does: messages of one length in words and with one first word are compared, and one
 * joins the template that shares most words in place with it (of several the one with most wildcards, of those the
 * oldest), if they share at least `similarity` of its words; else it founds a new one. A first word with a digit
 * counts as a wildcard.
 *
 * Source: He, Zhu, Zheng and Lyu 2017, "Drain: An Online Log Parsing Approach with Fixed Depth Tree", with a tree of
 * depth 3 (length, one word, templates), the default of the authors' code.
 *
 * @param options.similarity from 0 to 1. Default: 0.4.
 * @throws RangeError for a similarity outside of 0 to 1.
 */
export function logTemplates(
  messages: readonly string[],
  { similarity = 0.4 }: { similarity?: number } = {},
): LogTemplates {
  if (!(similarity >= 0 && similarity <= 1))
    throw new RangeError(`logTemplates: similarity is ${similarity}; expected a number from 0 to 1`);
  const found: string[][] = [];
  const groups = new Map<string, number[]>();

  const keyOf = (words: readonly string[]) => `${words.length} ${/\d/.test(words[0]!) ? WILDCARD : words[0]}`;
  function best(words: readonly string[]): number {
    let winner = -1;
    let most = -1;
    let widest = -1;
    for (const index of groups.get(keyOf(words)) ?? []) {
      const template = found[index]!;
      const shared = words.filter((word, i) => word === template[i] && word !== WILDCARD).length;
      const wildcards = template.filter((word) => word === WILDCARD).length;
      if (shared > most || (shared === most && wildcards > widest))
        [winner, most, widest] = [index, shared, wildcards];
    }
    return most >= similarity * words.length ? winner : -1;
  }

  const assigned = Int32Array.from(messages, (message) => {
    const words = wordsOf(message);
    const known = best(words);
    if (known >= 0) {
      found[known] = found[known]!.map((word, i) => (word === words[i] ? word : WILDCARD));
      return known;
    }
    const key = keyOf(words);
    groups.set(key, [...(groups.get(key) ?? []), found.length]);
    return found.push([...words]) - 1;
  });
  return {
    templates: found.map((words) => words.join(" ")),
    assigned,
    match: (message) => best(wordsOf(message)),
  };
}

const wordsOf = (message: string): string[] => message.trim().split(/\s+/);
