/** A run's events as server-sent events: replayed from where the client is, then live, until the end. */
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import type { Runs } from "../runs/index.ts";
import { RequestError } from "./errors.ts";

/** Milliseconds between signs of life, so that neither end takes silence for a broken connection. */
const heartbeat = 15_000;

export async function streamEvents(context: Context, runs: Runs, id: string): Promise<Response> {
  const run = await runs.find(id);
  if (run === undefined) throw new RequestError(404, "unknown-run", `There is no run "${id.slice(0, 100)}".`);
  const after = lastSeen(context.req.header("last-event-id"));
  const controller = new AbortController();
  const events = runs.events(id, after, controller.signal);
  const first = run.finishedAt === undefined ? undefined : await events.next();
  // All has been told: this status keeps the browser from asking again.
  if (first?.done) return context.body(null, 204);

  return streamSSE(context, async (stream) => {
    stream.onAbort(() => controller.abort());
    const timer = setInterval(() => stream.write(":\n\n"), heartbeat);
    const tell = async (event: { id: number; type: string }) =>
      stream.writeSSE({
        data: JSON.stringify(event),
        // Progress has no number of its own and is never replayed.
        ...(event.type !== "progress" && { id: String(event.id) }),
      });
    try {
      // Headers go out with the first bytes: a queued run must not look like a dead server.
      await stream.write(":\n\n");
      if (first !== undefined) await tell(first.value);
      for await (const event of events) await tell(event);
    } finally {
      clearInterval(timer);
      controller.abort();
    }
  });
}

function lastSeen(header: string | undefined): number {
  if (header === undefined || header === "") return 0;
  const number = Number(header);
  if (!Number.isSafeInteger(number) || number < 0)
    throw new RequestError(400, "wrong-event-id", "Last-Event-ID is expected to be the number of an event.");
  return number;
}
