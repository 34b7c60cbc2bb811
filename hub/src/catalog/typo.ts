/** One typing error: a character more, less or other, or two neighbours swapped. */

/** Whether one typing error turns one text into the other; equal texts are not. */
export function isTypo(a: string, b: string): boolean {
  const longer = Math.max(a.length, b.length);
  const shorter = Math.min(a.length, b.length);
  if (longer - shorter > 1 || a === b) return false;
  // One error leaves the first or the last character as it was; most pairs differ in both.
  if (longer > 2 && a.charCodeAt(0) !== b.charCodeAt(0) && a.at(-1) !== b.at(-1)) return false;
  let before = 0;
  while (before < shorter && a.charCodeAt(before) === b.charCodeAt(before)) before++;
  let after = 0;
  while (
    after < shorter - before &&
    a.charCodeAt(a.length - 1 - after) === b.charCodeAt(b.length - 1 - after)
  )
    after++;
  const different = longer - before - after;
  if (different <= 1) return true;
  return (
    different === 2 && a.length === b.length && a[before] === b[before + 1] && a[before + 1] === b[before]
  );
}

/** Texts by their lengths, so that only those of about the same length are compared. */
export function typoFinder(texts: Iterable<string>): (text: string) => string[] {
  const byLength = Map.groupBy(texts, (text) => text.length);
  return (text) =>
    [-1, 0, 1].flatMap((more) =>
      (byLength.get(text.length + more) ?? []).filter((known) => isTypo(text, known)),
    );
}
