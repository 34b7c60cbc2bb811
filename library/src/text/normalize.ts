/** Normalisation of text: which differences of writing count as none. */
export interface NormalizeOptions {
  /** Unicode form; "NFKC" also unites ligatures, full-width letters and superscripts. Default "NFC"; false: as it is. */
  form?: "NFC" | "NFD" | "NFKC" | "NFKD" | false;
  /** Default false. */
  lowercase?: boolean;
  /** Remove the accents of Latin, Greek and Cyrillic letters: é to e, й to и. Default false. */
  stripDiacritics?: boolean;
  /** Runs of white space become one space, none stays at the ends. Default true. */
  collapseWhitespace?: boolean;
  /** Curly and angled quotes become ' and ", dashes -, the ellipsis three dots. Default false. */
  plainPunctuation?: boolean;
  /** Remove control and zero-width characters, tab and line breaks aside. Default true. */
  stripControls?: boolean;
}

/** Normalises a text. Doing it twice changes nothing more. */
export function normalizeText(text: string, options: NormalizeOptions = {}): string {
  const { form = "NFC", lowercase = false, stripDiacritics = false } = options;
  const { collapseWhitespace = true, plainPunctuation = false, stripControls = true } = options;
  const shape = (value: string) => (form ? value.normalize(form) : value);
  let result = shape(stripControls ? text.replace(controls, "") : text);
  if (plainPunctuation) for (const [pattern, plain] of punctuation) result = result.replace(pattern, plain);
  if (lowercase) result = result.toLowerCase();
  if (stripDiacritics) result = result.normalize("NFD").replace(accents, "").normalize("NFC");
  if (lowercase || stripDiacritics) result = shape(result);
  // After the form, as NFKC makes spaces.
  if (collapseWhitespace) result = result.replace(/\s+/g, " ").trim();
  return result;
}

// Zero-width joiners stay: some scripts spell with them, and they hold emoji together.
const controls = /[[\p{Cc}--[\t\n\v\f\r]]\u00ad\u200b\u2060\ufeff]/gv;
// The accents of Latin, Greek and Cyrillic alone: elsewhere marks are vowels.
const accents = /[\u0300-\u036f]+/g;
const punctuation: [RegExp, string][] = [
  [/[‘’‚‛ʼ]/g, "'"],
  [/[“”„‟«»]/g, '"'],
  [/[‐‑‒–—―−]/g, "-"],
  [/…/g, "..."],
];
