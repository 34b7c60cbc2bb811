/**
 * The typed client of the hub's HTTP interface: one function a route. Every failure, be it the
 * network's or the hub's, is an `ApiFailure` whose message can be shown to readers.
 */
import type { ApiError, Paper, RunRecord, RunRequest, SearchResult } from "../types.ts";

export class ApiFailure extends Error {
  /** HTTP status; 0 where no answer came. */
  readonly status: number;
  /** The hub's error code; "offline" where no answer came, "unreadable" where it was not JSON. */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export async function listPapers(): Promise<Paper[]> {
  return (await request<{ papers: Paper[] }>("/api/papers")).papers;
}

export function getPaper(slug: string): Promise<{ paper: Paper; runs: RunRecord[] }> {
  return request(`/api/papers/${encodeURIComponent(slug)}`);
}

export async function searchPapers(
  query: string,
  limit: number,
  signal: AbortSignal,
): Promise<SearchResult[]> {
  const parameters = new URLSearchParams({ q: query, limit: String(limit) });
  return (await request<{ results: SearchResult[] }>(`/api/search?${parameters}`, { signal })).results;
}

/** Starts a run; an equal one that is stored is given instead, unless a fresh one is asked for. */
export function startRun(body: RunRequest & { fresh: boolean }): Promise<RunRecord> {
  return request("/api/runs", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

export function getRun(id: string): Promise<RunRecord> {
  return request(runAddress(id));
}

export async function stopRun(id: string): Promise<void> {
  await request(`${runAddress(id)}/stop`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
}

/** Where a run's record is served as JSON; its events are at the same address plus "/events". */
export function runAddress(id: string): string {
  return `/api/runs/${encodeURIComponent(id)}`;
}

async function request<Answer>(address: string, init?: RequestInit): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(address, { ...init, headers: { accept: "application/json", ...init?.headers } });
  } catch (error) {
    if (init?.signal?.aborted) throw error;
    throw new ApiFailure(0, "offline", "The hub does not answer. Is it still running?");
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) {
    const failure = (body as ApiError | undefined)?.error;
    const message = failure?.message ?? `The hub answered with status ${response.status}.`;
    throw new ApiFailure(response.status, failure?.code ?? "unreadable", message);
  }
  if (body === undefined)
    throw new ApiFailure(response.status, "unreadable", "The hub's answer is not JSON.");
  return body as Answer;
}
