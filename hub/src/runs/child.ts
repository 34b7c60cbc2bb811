/**
 * The process of one run: imports the study, runs it, tells the hub what happens, and ends. What it
 * prints goes to the run's log. It also ends when the hub is gone, since nobody would hear it then.
 */
import { loadStudy } from "@nearmiss/papers";
import { runStudy } from "@nearmiss/papers/runner";
import type { Answer, Order } from "./messages.ts";
import { summarize } from "./summary.ts";

const controller = new AbortController();

process.on("message", (order: Order) => {
  if (order.type === "stop") controller.abort(new Error("stopped"));
  else obey(order).then(finish, (error) => finish(failure(error)));
});
process.on("disconnect", () => process.exit(1));
// A terminal's Ctrl-C reaches all its processes; the hub decides what becomes of the run.
process.on("SIGINT", () => {});
process.on("uncaughtException", (error) => finish(failure(error)));

async function obey(order: Exclude<Order, { type: "stop" }>): Promise<Answer> {
  if (order.type === "describe")
    return { type: "summary", summary: summarize(await loadStudy(order.slug, order.root)) };
  const { slug, scale, seeds } = order.request;
  const study = await loadStudy(slug, order.root);
  const onEvent = (event: Extract<Answer, { type: "event" }>["event"]) => send({ type: "event", event });
  await runStudy({ slug, study, scale, seeds, signal: controller.signal, onEvent });
  return { type: "done" };
}

function failure(error: unknown): Answer {
  if (controller.signal.aborted) return { type: "stopped" };
  console.error(error);
  return { type: "failed", error: error instanceof Error ? error.message : String(error) };
}

function send(answer: Answer): void {
  process.send?.(answer);
}

/** Sends the last word and ends once it is on its way, whatever timers the study has left behind. */
function finish(answer: Answer): void {
  if (process.connected) process.send?.(answer, () => process.exit(0));
  else process.exit(1);
}
