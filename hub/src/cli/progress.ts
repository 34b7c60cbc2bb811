/** A bar on stderr: how far a piece of work is, what it does, how long it will last. */
import { SingleBar } from "cli-progress";

export interface Progress {
  /** @param fraction of the work that is done, 0 to 1 */
  show(fraction: number, what: string): void;
  stop(): void;
}

/** Where stderr is no terminal, nothing is shown. */
export function progress(name: string): Progress {
  if (!process.stderr.isTTY) return { show: () => {}, stop: () => {} };
  const bar = new SingleBar({
    format: `${name} {bar} {percentage} % | {what} | {eta_formatted} left`,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 30,
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
    etaBuffer: 100,
    // Before the first step nothing tells how long it lasts; the bar would show "NFs".
    formatTime: (seconds: unknown) => (Number.isFinite(seconds) ? duration(Number(seconds)) : "unknown time"),
    stream: process.stderr,
  });
  bar.start(1, 0, { what: "starting" });
  return { show: (fraction, what) => bar.update(fraction, { what }), stop: () => bar.stop() };
}

function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.ceil(seconds % 60)} s`;
}
