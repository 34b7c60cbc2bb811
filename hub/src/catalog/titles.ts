/** When two titles are the same title, what a title's slug is, and which names lie near a misspelt one. */
// By its file: `nearmiss/text` as a whole loads random numbers, and search answers at once without them.
import { fold } from "nearmiss/text/words";

/** A title without case, diacritics, spaces and punctuation: titles with equal keys are the same title. */
export function titleKey(title: string): string {
  return foldLetters(title)
    .replace(/(?:script|footnote|normal)size/g, "") // LaTeX font sizes whose backslash a page has lost.
    .replace(/[^\p{L}\p{N}]+/gu, "");
}

/** Lower case without diacritics, letters with a stroke among them, which do not decompose in Unicode. */
export function foldLetters(text: string): string {
  return fold(text).replace(/[øđłħ]/g, (letter) => strokes[letter]);
}

const strokes: Record<string, string> = { ø: "o", đ: "d", ł: "l", ħ: "h" };

/**
 * A slug for a title: at most 60 characters of whole words, not among `taken`. Titles without any
 * Latin letter or digit get "paper".
 */
export function slugFor(title: string, taken: ReadonlySet<string>): string {
  const words = foldLetters(title).match(/[a-z0-9]+/g) ?? ["paper"];
  let base = words[0].slice(0, 60);
  for (const word of words.slice(1)) {
    if (base.length + 1 + word.length > 60) break;
    base += `-${word}`;
  }
  let slug = base;
  for (let copy = 2; taken.has(slug); copy++) slug = `${base}-${copy}`;
  return slug;
}

/**
 * The Levenshtein distance between two texts: how many single characters to insert, remove or
 * replace. Distances above `limit` are given as `limit + 1`, which is quick to find out.
 */
export function editDistance(a: string, b: string, limit = Infinity): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    if (Math.min(...next) > limit) return limit + 1;
    row = next;
  }
  return Math.min(row[b.length], limit + 1);
}

/** Up to three names near an unknown one: those that hold it or start alike, then those few edits away. */
export function nearNames(name: string, names: readonly string[]): string[] {
  const wanted = name.toLowerCase();
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  return names
    .map((candidate) => {
      const holds = wanted.length >= 3 && candidate.includes(wanted);
      return { candidate, distance: holds ? 0.5 : editDistance(wanted, candidate, limit) };
    })
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance || a.candidate.length - b.candidate.length)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}
