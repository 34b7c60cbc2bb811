/**
 * Splits a text into words: maximal runs of letters, digits and marks, in lower case, diacritics
 * folded ("Žluťoučký" gives "zlutoucky"). An apostrophe between letters stays ("don't"), other
 * punctuation separates. Scripts without spaces come out in runs, not in words.
 *
 * @returns words in order of appearance; empty for a text without any
 */
export function words(text: string): string[] {
  return fold(text).match(word) ?? [];
}

const word = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*(?:'[\p{L}\p{N}][\p{L}\p{N}\p{M}]*)*/gu;

/** Lower case without diacritics, compatibility forms unified (ﬁ to fi, ² to 2), curly apostrophes straight. */
export function fold(text: string): string {
  // ASCII needs no normalising, and is most of what comes by.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is all of ASCII
  if (/^[\x00-\x7f]*$/.test(text)) return text.toLowerCase();
  // Of the marks only the accents of Latin, Greek and Cyrillic go: elsewhere marks are vowels.
  const bare = text.normalize("NFKD").replace(/[\u0300-\u036f]+/g, "");
  return bare.normalize("NFC").replace(/[‘’ʼ]/g, "'").toLowerCase();
}
