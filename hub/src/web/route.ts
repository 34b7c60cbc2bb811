/** The addresses of the pages, read and written in one place. */

export type Route =
  | { page: "home" }
  | { page: "paper"; slug: string }
  | { page: "run"; id: string }
  | { page: "missing" };

/** The page at a path; a trailing slash makes no difference. */
export function matchRoute(pathname: string): Route {
  const [folder, name, ...rest] = pathname.split("/").filter((part) => part !== "");
  if (folder === undefined) return { page: "home" };
  if (name === undefined || rest.length > 0) return { page: "missing" };
  const decoded = decode(name);
  if (decoded === undefined) return { page: "missing" };
  if (folder === "papers") return { page: "paper", slug: decoded };
  if (folder === "runs") return { page: "run", id: decoded };
  return { page: "missing" };
}

/** State of the collection's page: what is searched for and which papers are left in. */
export interface HomeState {
  query: string;
  family?: string;
  runnableOnly: boolean;
}

export function readHomeState(search: string): HomeState {
  const parameters = new URLSearchParams(search);
  return {
    query: parameters.get("q") ?? "",
    family: parameters.get("family") ?? undefined,
    runnableOnly: parameters.get("runnable") === "1",
  };
}

export function homeAddress(state: Partial<HomeState> = {}): string {
  const parameters = new URLSearchParams();
  if (state.query) parameters.set("q", state.query);
  if (state.family) parameters.set("family", state.family);
  if (state.runnableOnly) parameters.set("runnable", "1");
  return parameters.size === 0 ? "/" : `/?${parameters}`;
}

/** A paper's page; `run` shows that run in its panel, `scale` and `seeds` fill in its form. */
export function paperAddress(
  slug: string,
  state: { run?: string; scale?: string; seeds?: number } = {},
): string {
  const parameters = new URLSearchParams();
  if (state.run) parameters.set("run", state.run);
  if (state.scale) parameters.set("scale", state.scale);
  if (state.seeds) parameters.set("seeds", String(state.seeds));
  const query = parameters.size === 0 ? "" : `?${parameters}`;
  return `/papers/${encodeURIComponent(slug)}${query}`;
}

export function runPageAddress(id: string): string {
  return `/runs/${encodeURIComponent(id)}`;
}

/** Links of papers come from imports too: only web addresses become links. */
export function webAddress(link: string | undefined): string | undefined {
  if (link === undefined || !URL.canParse(link)) return undefined;
  const { protocol, href } = new URL(link);
  return protocol === "https:" || protocol === "http:" ? href : undefined;
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
