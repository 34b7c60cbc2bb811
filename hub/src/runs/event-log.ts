/**
 * The events of a run that is not yet over: numbered, told to whoever listens, and stored in batches.
 */
import type { RunEvent } from "../types.ts";

type Unnumbered<Event> = Event extends unknown ? Omit<Event, "id"> : never;

type EndEvent = Extract<RunEvent, { type: "end" }>;

export interface EventLog {
  append(event: Unnumbered<Exclude<RunEvent, EndEvent>>): void;
  /**
   * Stores the last event, does what else is to be done, and only then tells it: who hears of the end
   * finds all the rest in its place. It is told even where storing fails, which this then rejects with.
   */
  end(event: Unnumbered<EndEvent>, beforeTold: () => Promise<void>): Promise<void>;
  /**
   * The events with numbers above `after`: what has been, then what comes, until the "end" event or
   * until the signal is aborted.
   */
  follow(after: number, signal?: AbortSignal): AsyncGenerator<RunEvent>;
  /** Stores what is not stored yet. Rejects where that fails; the events are kept for the next time. */
  flush(): Promise<void>;
}

/** Milliseconds for which events are gathered before they are stored. */
const batchTime = 100;

/** @param store keeps events for good */
export function createEventLog(store: (events: RunEvent[]) => Promise<void>): EventLog {
  const events: RunEvent[] = [];
  const listeners = new Set<(event: RunEvent) => void>();
  let stored = 0;
  let writing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    writing = writing
      .catch(() => {})
      .then(async () => {
        const batch = events.slice(stored);
        await store(batch);
        stored += batch.length;
      });
    return writing;
  };

  const tell = (event: RunEvent) => {
    for (const listener of listeners) listener(event);
  };

  return {
    append(unnumbered) {
      const live = unnumbered.type === "progress";
      const event = { id: events.length + (live ? 0 : 1), ...unnumbered } as RunEvent;
      if (!live) {
        events.push(event);
        // A batch that cannot be stored now is tried again with the next, and by the flush at the end.
        timer ??= setTimeout(() => flush().catch(() => {}), batchTime);
      }
      tell(event);
    },

    async end(unnumbered, beforeTold) {
      const event = { id: events.length + 1, ...unnumbered };
      events.push(event);
      try {
        await flush();
        await beforeTold();
      } finally {
        tell(event);
      }
    },

    async *follow(after, signal) {
      let waiting = events.filter((event) => event.id > after);
      if (waiting.length === 0 && events.at(-1)?.type === "end") return;
      let wake = () => {};
      const listener = (event: RunEvent) => {
        waiting.push(event);
        wake();
      };
      const onAbort = () => wake();
      listeners.add(listener);
      signal?.addEventListener("abort", onAbort);
      try {
        while (!signal?.aborted) {
          const batch = waiting;
          waiting = [];
          for (const event of batch) {
            if (signal?.aborted) return;
            yield event;
            if (event.type === "end") return;
          }
          if (waiting.length === 0 && !signal?.aborted)
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
        }
      } finally {
        listeners.delete(listener);
        signal?.removeEventListener("abort", onAbort);
      }
    },

    flush,
  };
}
