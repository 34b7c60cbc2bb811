/** What the hub and a run's process say to each other. */
import type { StudyEvent } from "@nearmiss/papers/study";
import type { RunRequest, StudySummary } from "../types.ts";

/** To the process. Exactly one "run" or "describe", then perhaps "stop". */
export type Order =
  | { type: "run"; request: RunRequest; root?: string }
  | { type: "describe"; slug: string; root?: string }
  | { type: "stop" };

/** From the process. "done", "stopped", "failed" and "summary" are its last word. */
export type Answer =
  | { type: "event"; event: StudyEvent }
  | { type: "summary"; summary: StudySummary }
  | { type: "done" }
  | { type: "stopped" }
  | { type: "failed"; error: string };
