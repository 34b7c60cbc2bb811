/** What Ctrl-C and a polite kill do: once, an orderly end; again, an end at once. */

/**
 * Calls `stop` at the first SIGINT, SIGTERM or SIGHUP. The returned function listens no longer.
 */
export function onInterrupt(stop: () => void): () => void {
  let first = 0;
  const listener = () => {
    if (first === 0) {
      first = performance.now();
      stop();
    } else if (performance.now() - first > 500) {
      // Sooner, it is the same key stroke: a terminal tells all processes, and our parent passes it on.
      process.exit(130);
    }
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
}
