/** Log messages without what differs from event to event. */

/** What stands in the place of a variable part. */
const MASK = "<*>";

const NUMBERS =
  "zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion";
const DAYS = "Mon|Monday|Tue|Tuesday|Wed|Wednesday|Thu|Thursday|Fri|Friday|Sat|Saturday|Sun|Sunday";
const MONTHS =
  "Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?";

/** At one place the first that fits is taken. */
const VARIABLES = new RegExp(
  [
    String.raw`\b(?:true|True|false|False)\b`,
    String.raw`\b(?:${NUMBERS})\b`,
    String.raw`\b(?:${DAYS})\b`,
    // A day of a month.
    String.raw`\b(?:${MONTHS})\s+\d{1,2}\b`,
    // Internet addresses, with a port or without.
    String.raw`\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?::\d{1,5})?`,
    // Hardware addresses of twelve and of six bytes.
    String.raw`\b(?:[0-9A-Fa-f]{2}:){11}[0-9A-Fa-f]{2}\b`,
    String.raw`\b(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\b`,
    // Paths of files.
    String.raw`[a-zA-Z0-9]*[:.]*(?:[/\\]+[^/\\\s[\]]+)+[/\\]*`,
    // Hexadecimal numbers of eight and of ten digits, which may have letters only.
    String.raw`\b(?:[0-9a-fA-F]{8}|[0-9a-fA-F]{10})\b`,
    // user@host
    String.raw`\w[\w.]*@\w[\w.]*(?:-\w[\w.]*)?`,
    // Any word with a digit.
    String.raw`[a-zA-Z.:_-]*\d[a-zA-Z0-9.:_-]*`,
  ].join("|"),
  "g",
);

/**
 * A log message with its variable parts replaced by `<*>`: truth values, numbers in digits and in words, days,
 * addresses, paths, identifiers. What is left is the event's wording, so that no parser is needed. Masking again
 * changes nothing.
 *
 *     maskLogVariables("Received block blk_123 from 10.0.0.1:50010")  // "Received block <*> from <*>"
 *
 * Three dots or more become two and a space.
 *
 * Source: Guan et al. 2024, "LogLLM", after the patterns of its code.
 */
export function maskLogVariables(text: string): string {
  for (let masked = text; ; ) {
    const next = masked.replace(/\.{3,}/g, ".. ").replace(VARIABLES, MASK);
    // A mask can set free a word that was part of a longer one before.
    if (next === masked) return masked;
    masked = next;
  }
}
