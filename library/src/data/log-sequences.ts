/** From a stream of log messages to sequences of them that are judged as a whole. */

/**
 * The messages of each session, by what a pattern finds in them: a message that names several sessions belongs to
 * each of them, and one that names none to none.
 *
 *     logSessions(messages, /blk_-?\d+/g).get("blk_123")  // indices of its messages, in order
 *
 * @param pattern global
 * @returns session to the indices of its messages, sessions in the order of their first messages.
 * @throws TypeError for a pattern that is not global.
 */
export function logSessions(messages: readonly string[], pattern: RegExp): Map<string, number[]> {
  if (!pattern.global)
    throw new TypeError(`logSessions: pattern is ${pattern}; expected one with the flag g`);
  const sessions = new Map<string, number[]>();
  messages.forEach((message, i) => {
    for (const session of new Set(message.match(pattern))) {
      const indices = sessions.get(session) ?? [];
      indices.push(i);
      sessions.set(session, indices);
    }
  });
  return sessions;
}

/**
 * Windows of messages that follow each other; the last ones may be shorter.
 *
 * A window is anomalous if one of its messages is: take the maximum of their labels.
 *
 * @param count Number of messages.
 * @param options.size Messages of a window. Default: 100.
 * @param options.step From a window's start to the next one's. Default: `size`, so that none overlap.
 * @returns for each window its first message and the one behind its last.
 * @throws RangeError for a size or step that is no whole number above 0.
 */
export function logWindows(
  count: number,
  { size = 100, step = size }: { size?: number; step?: number } = {},
): [from: number, to: number][] {
  for (const [name, value] of Object.entries({ size, step }))
    if (!(Number.isInteger(value) && value >= 1))
      throw new RangeError(`logWindows: ${name} is ${value}; expected a whole number above 0`);
  const windows: [number, number][] = [];
  for (let from = 0; from < count; from += step) windows.push([from, Math.min(from + size, count)]);
  return windows;
}
