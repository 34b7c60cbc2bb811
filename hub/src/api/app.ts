/** The hub's HTTP interface, and the pages beside it. Every failure is an `ApiError`. */
import { families } from "@nearmiss/papers/card";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { compress } from "hono/compress";
import { z } from "zod";
import type { Catalog } from "../catalog/index.ts";
import { ImportError, largestImport } from "../catalog/page-import.ts";
import { QueryError } from "../catalog/search.ts";
import { nearNames } from "../catalog/titles.ts";
import type { Runs } from "../runs/index.ts";
import type { Paper } from "../types.ts";
import { answerError, RequestError } from "./errors.ts";
import { streamEvents } from "./events.ts";
import { headers, ownNames, requireType, sameOrigin } from "./guard.ts";
import { pages } from "./pages.ts";

export interface AppOptions {
  catalog: Catalog;
  runs: Runs;
  version: string;
  /** Folder of the built pages; without it only the interface is served. */
  dist?: string;
  /** Whether only this machine can reach the server. */
  loopback: boolean;
}

const papersQuery = z.object({
  family: z.enum(families).optional(),
  runnable: z.enum(["true", "false"]).optional(),
});

const searchQuery = z.object({
  q: z.string().max(500).default(""),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

const runRequest = z.strictObject({
  slug: z.string().min(1).max(200),
  scale: z.enum(["smoke", "default", "full"]),
  seeds: z.number().int().min(1).max(1000).optional(),
  /** Runs even where a stored run has the answer. */
  fresh: z.boolean().default(false),
});

const runsQuery = z.object({ slug: z.string().max(200).optional() });

export function createApp({ catalog, runs, version, dist, loopback }: AppOptions): Hono {
  const app = new Hono();
  app.onError(answerError);
  app.use(headers);
  if (loopback) app.use(ownNames);
  else app.use(compress());
  app.use(sameOrigin);

  const api = new Hono();
  api.use(async (context, next) => {
    await next();
    if (!context.res.headers.has("cache-control")) context.header("cache-control", "no-store");
  });

  api.get("/health", (context) => context.json({ status: "ok", version, papers: catalog.papers().length }));

  api.get("/papers", (context) => {
    const { family, runnable } = parse(papersQuery, context.req.query());
    const papers = catalog
      .papers()
      .filter((paper) => family === undefined || paper.family === family)
      .filter((paper) => runnable === undefined || String(paper.runnable) === runnable)
      // Abstracts are most of the bytes, and no list shows them.
      .map(({ abstract, ...paper }) => paper);
    return context.json({ papers });
  });

  api.get("/papers/:slug", async (context) => {
    const paper = findPaper(context.req.param("slug"));
    const [study, latest] = await Promise.all([describe(paper), runs.list(paper.slug)]);
    return context.json({ paper: { ...paper, study }, runs: latest });
  });

  api.get("/search", (context) => {
    const { q, limit } = parse(searchQuery, context.req.query());
    return context.json({ results: catalog.search(q, limit) });
  });

  api.post("/import", limitBody(largestImport), async (context) => {
    requireType(context.req.header("content-type"), "text/plain");
    const content = new Uint8Array(await context.req.arrayBuffer());
    return context.json(await catalog.importPage(content));
  });

  api.get("/runs", async (context) => {
    const { slug } = parse(runsQuery, context.req.query());
    return context.json({ runs: await runs.list(slug) });
  });

  api.post("/runs", limitBody(64 * 1024), async (context) => {
    requireType(context.req.header("content-type"), "application/json");
    const { fresh, ...request } = parse(runRequest, await readJson(context.req.raw));
    const paper = findPaper(request.slug);
    if (!paper.runnable)
      throw new RequestError(
        409,
        "not-runnable",
        `The paper "${paper.slug}" has no study yet, so it cannot run.`,
      );
    const run = await runs.enqueue(request, { fresh });
    return context.json(run, run.status === "queued" ? 201 : 200);
  });

  api.get("/runs/:id", async (context) => {
    const run = await runs.find(context.req.param("id"));
    return context.json(run ?? unknownRun(context.req.param("id")));
  });

  api.get("/runs/:id/events", (context) => streamEvents(context, runs, context.req.param("id")));

  api.post("/runs/:id/stop", limitBody(64 * 1024), async (context) => {
    const run = await runs.stop(context.req.param("id"));
    return context.json(run ?? unknownRun(context.req.param("id")));
  });

  api.onError((error, context) => answerError(translate(error), context));
  api.all("*", () => {
    throw new RequestError(404, "unknown-address", "There is nothing at this address.");
  });
  app.route("/api", api);
  if (dist !== undefined) app.route("/", pages(dist));
  app.notFound((context) => context.text("There is no page at this address.", 404));
  return app;

  function findPaper(slug: string): Paper {
    const paper = catalog.find(slug);
    if (paper !== undefined) return paper;
    const near = nearNames(
      slug.slice(0, 100),
      catalog.papers().map((other) => other.slug),
    );
    const hint = near.length > 0 ? ` Near it: ${near.join(", ")}.` : "";
    throw new RequestError(404, "unknown-paper", `There is no paper "${slug.slice(0, 100)}".${hint}`);
  }

  async function describe(paper: Paper) {
    if (!paper.runnable) return undefined;
    try {
      return await runs.describe(paper.slug);
    } catch (error) {
      // The page still shows the card; the study's own fault is shown when it runs.
      console.error(`The study of ${paper.slug} cannot be read:`, (error as Error).message);
      return undefined;
    }
  }
}

/** Foreseen failures of the catalogue as failures of the request. */
function translate(error: unknown): unknown {
  if (error instanceof ImportError)
    return new RequestError(400, "bad-file", `${error.message}. Nothing was changed.`);
  if (error instanceof QueryError) return new RequestError(400, "empty-query", sentence(error.message));
  return error;
}

function unknownRun(id: string): never {
  throw new RequestError(404, "unknown-run", `There is no run "${id.slice(0, 100)}".`);
}

function limitBody(maxSize: number) {
  return bodyLimit({
    maxSize,
    onError: () => {
      throw new RequestError(413, "too-large", `The body is larger than ${Math.round(maxSize / 1024)} kB.`);
    },
  });
}

async function readJson(request: Request): Promise<unknown> {
  try {
    return await request.json();
  } catch {
    throw new RequestError(400, "no-json", "The body is not JSON.");
  }
}

/** A value checked against its schema; the first problem is told by field. */
function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue.path.join(".") || "the request";
  throw new RequestError(400, "bad-request", `${field}: ${issue.message}.`);
}

const sentence = (text: string) => `${text[0].toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
