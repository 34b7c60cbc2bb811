/**
 * Following runs: what is stored of them, then what comes, whoever runs them and wherever. Notices
 * bring what is new at once; where they fail, the database is asked.
 */
import type { Notice } from "../store/notices.ts";
import type { RunEvent } from "../types.ts";

export interface Feed {
  /** Takes in what other parts of the hub, or other processes, tell. */
  notice(notice: Notice): void;
  /** Notices may have been missed: all who follow look into the database. */
  gap(): void;
  /**
   * A run's events with numbers above `after`: what has been, then what comes, until the "end" event
   * or until the signal is aborted. Nothing for an unknown run. While a run is under way, the database
   * may go and come back; who follows hears of it only as a delay.
   *
   * @throws what the database says, where it cannot be asked at the start or stays away for long
   */
  follow(id: string, after: number, signal?: AbortSignal): AsyncGenerator<RunEvent>;
}

export interface FeedOptions {
  /** Stored events with numbers above `after`. */
  read: (id: string, after: number) => Promise<RunEvent[]>;
  /** Whether a run has not ended; undefined where it is unknown. */
  underWay: (id: string) => Promise<boolean | undefined>;
  /** What is to be done before those who follow a live run hear of its end. */
  beforeEnd: (id: string) => Promise<void>;
  /** Milliseconds after which the database is asked, where no notice comes. Default 1000. */
  patience?: number;
}

/** Looks in turn that may fail, one a time of patience: the time that a database may take to come back. */
const mostFailures = 60;

interface Follower {
  /** What notices have brought since it last looked. */
  brought: RunEvent[];
  /** Whether there is more in the database than notices have brought. */
  look: boolean;
  wake: () => void;
}

export function createFeed({ read, underWay, beforeEnd, patience = 1000 }: FeedOptions): Feed {
  const followers = new Map<string, Set<Follower>>();

  return {
    notice(notice) {
      if (notice.type !== "events" && notice.type !== "progress") return;
      for (const follower of followers.get(notice.run) ?? []) {
        if (notice.type === "progress") follower.brought.push(notice.event);
        else if (notice.events === undefined) follower.look = true;
        else follower.brought.push(...notice.events);
        follower.wake();
      }
    },

    gap() {
      for (const follower of [...followers.values()].flatMap((set) => [...set])) {
        follower.look = true;
        follower.wake();
      }
    },

    async *follow(id, after, signal) {
      const follower: Follower = { brought: [], look: false, wake: () => {} };
      const set = followers.get(id) ?? new Set();
      followers.set(id, set.add(follower));
      const onAbort = () => follower.wake();
      signal?.addEventListener("abort", onAbort);
      let last = after;
      let failures = 0;
      try {
        // Asked before the first look: a run that has ended then is told whole by that look.
        const live = await underWay(id);
        if (live === undefined) return;
        follower.look = true;
        while (!signal?.aborted) {
          const brought = follower.brought;
          follower.brought = [];
          let events: RunEvent[] = brought;
          if (follower.look || !continues(brought, last)) {
            follower.look = false;
            try {
              events = await read(id, last);
              failures = 0;
            } catch (error) {
              if (!live || ++failures > mostFailures) throw error;
              await news(follower);
              follower.look = true;
              continue;
            }
          }
          for (const event of events) {
            if (signal?.aborted) return;
            if (event.type === "progress") {
              // Under the number of the last event that was told, whatever its own; the start comes first.
              if (last > 0) yield { ...event, id: last };
              continue;
            }
            if (event.id <= last) continue;
            last = event.id;
            if (event.type === "end" && live) await beforeEnd(id);
            yield event;
            if (event.type === "end") return;
          }
          if (!live) return;
          if (follower.brought.length === 0 && !follower.look && !signal?.aborted) await news(follower);
        }
      } finally {
        set.delete(follower);
        if (set.size === 0) followers.delete(id);
        signal?.removeEventListener("abort", onAbort);
      }
    },
  };

  /** Waits for a notice or, where none comes for a while, for the time to look into the database. */
  async function news(follower: Follower): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      follower.wake = resolve;
      timer = setTimeout(() => {
        follower.look = true;
        resolve();
      }, patience);
    });
    clearTimeout(timer);
    follower.wake = () => {};
  }
}

/** Whether events follow on number `last` without a gap; those at or before it do no harm. */
function continues(events: RunEvent[], last: number): boolean {
  let expected = last + 1;
  for (const event of events) {
    if (event.type === "progress" || event.id < expected) continue;
    if (event.id !== expected) return false;
    expected++;
  }
  return true;
}
