/**
 * The stem of an English word: "retrieval", "retriever" and "retrieving" are one term.
 *
 * Source: Porter 1980, "An algorithm for suffix stripping", with the three changes of the author's own later
 * program (-bli, -logi, and words of two letters left as they are).
 */

/** @param word in lower case; words with other characters than a to z are left as they are */
export function stem(word: string): string {
  let result = word.replace(/'s?$/, "");
  if (result.length < 3 || !/^[a-z]+$/.test(result)) return result;
  result = withoutPlural(result);
  result = withoutTense(result);
  if (result.endsWith("y") && hasVowel(result.slice(0, -1))) result = `${result.slice(0, -1)}i`;
  result = exchanged(result, step2);
  result = exchanged(result, step3);
  result = withoutLast(result);
  return withoutE(result);
}

const step2: [ending: string, instead: string][] = [
  ["ational", "ate"],
  ["ization", "ize"],
  ["iveness", "ive"],
  ["fulness", "ful"],
  ["ousness", "ous"],
  ["tional", "tion"],
  ["biliti", "ble"],
  ["entli", "ent"],
  ["ousli", "ous"],
  ["ation", "ate"],
  ["alism", "al"],
  ["aliti", "al"],
  ["iviti", "ive"],
  ["enci", "ence"],
  ["anci", "ance"],
  ["izer", "ize"],
  ["alli", "al"],
  ["ator", "ate"],
  ["logi", "log"],
  ["bli", "ble"],
  ["eli", "e"],
];

const step3: [ending: string, instead: string][] = [
  ["icate", "ic"],
  ["ative", ""],
  ["alize", "al"],
  ["iciti", "ic"],
  ["ical", "ic"],
  ["ness", ""],
  ["ful", ""],
];

const step4 = /(?:ement|ance|ence|able|ible|ment|ant|ent|(?<=[st])ion|ism|ate|iti|ous|ive|ize|al|er|ic|ou)$/;

function withoutPlural(word: string): string {
  if (/(?:ss|i)es$/.test(word)) return word.slice(0, -2);
  return /[^s]s$/.test(word) ? word.slice(0, -1) : word;
}

function withoutTense(word: string): string {
  if (word.endsWith("eed")) return measure(word.slice(0, -3)) > 0 ? word.slice(0, -1) : word;
  const base = word.replace(/(?:ed|ing)$/, "");
  if (base === word || !hasVowel(base)) return word;
  if (/(?:at|bl|iz)$/.test(base)) return `${base}e`;
  if (endsDouble(base) && !/[lsz]$/.test(base)) return base.slice(0, -1);
  return measure(base) === 1 && endsShort(base) ? `${base}e` : base;
}

function exchanged(word: string, endings: [string, string][]): string {
  const found = endings.find(([ending]) => word.endsWith(ending));
  if (found === undefined) return word;
  const base = word.slice(0, -found[0].length);
  return measure(base) > 0 ? base + found[1] : word;
}

function withoutLast(word: string): string {
  const base = word.replace(step4, "");
  return base !== word && measure(base) > 1 ? base : word;
}

function withoutE(word: string): string {
  let result = word;
  if (result.endsWith("e")) {
    const base = result.slice(0, -1);
    const count = measure(base);
    if (count > 1 || (count === 1 && !endsShort(base))) result = base;
  }
  return result.endsWith("ll") && measure(result) > 1 ? result.slice(0, -1) : result;
}

/** A letter for each: v for a vowel, c for a consonant. A y after a consonant is a vowel. */
function shape(word: string): string {
  let kinds = "";
  for (let i = 0; i < word.length; i++) {
    const vowel = "aeiou".includes(word[i]) || (word[i] === "y" && kinds.endsWith("c"));
    kinds += vowel ? "v" : "c";
  }
  return kinds;
}

/** How many times consonants follow vowels: 0 in "tree", 1 in "trouble", 2 in "private". */
const measure = (word: string) => shape(word).match(/v+c+/g)?.length ?? 0;
const hasVowel = (word: string) => shape(word).includes("v");
const endsDouble = (word: string) => /(.)\1$/.test(word) && shape(word).endsWith("c");
/** Consonant, vowel, consonant at the end, the last none of w, x and y: "hop". */
const endsShort = (word: string) => shape(word).endsWith("cvc") && !/[wxy]$/.test(word);
