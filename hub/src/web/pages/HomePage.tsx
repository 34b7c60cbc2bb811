import { type KeyboardEvent, useEffect, useMemo, useRef } from "react";
import type { Paper, SearchResult } from "../../types.ts";
import { listPapers } from "../api.ts";
import { Collection } from "../components/Collection.tsx";
import { Filters } from "../components/Filters.tsx";
import { Notice } from "../components/Notice.tsx";
import { PaperList } from "../components/PaperList.tsx";
import { Placeholder } from "../components/Placeholder.tsx";
import { SearchBox } from "../components/SearchBox.tsx";
import { plural } from "../format.ts";
import { navigate, useAddress } from "../navigation.ts";
import { homeAddress, paperAddress, readHomeState } from "../route.ts";
import { useResource } from "../useResource.ts";
import { mostResults, useSearch } from "../useSearch.ts";

/** The collection: a search box, filters, and the papers or what was found. The address holds it all. */
export function HomePage() {
  const state = readHomeState(useAddress().search);
  const papers = useResource("papers", listPapers);
  const search = useSearch(state.query);
  const searching = state.query.trim() !== "";

  const found = useMemo(() => asPapers(search.results, papers.data ?? []), [search.results, papers.data]);
  const all = searching ? found : (papers.data ?? []);
  const shown = all.filter(
    (paper) => (!state.family || paper.family === state.family) && (!state.runnableOnly || paper.runnable),
  );

  // Enter may come before the answer to what was typed: the best result opens when it is there.
  const openBestFor = useRef<string>(undefined);
  const best = shown[0]?.slug;
  useEffect(() => {
    if (openBestFor.current === undefined || openBestFor.current !== search.query || search.loading) return;
    openBestFor.current = undefined;
    if (best) navigate(paperAddress(best));
  }, [search, best]);

  function onQuery(query: string) {
    openBestFor.current = undefined;
    // The first letter is a step in the history, so that "back" returns to the collection.
    navigate(homeAddress({ ...state, query }), { replace: searching || query === "" });
  }

  function onEnter(query: string) {
    if (query.trim() === "") return;
    if (query === search.query && !search.loading) {
      if (best) navigate(paperAddress(best));
      return;
    }
    if (query !== state.query) onQuery(query);
    openBestFor.current = query;
  }

  const failure = searching ? search.error : papers.data ? undefined : papers.error;
  const waiting = searching ? search.query === "" && search.loading : !papers.data && papers.loading;
  const runnable = papers.data?.filter((paper) => paper.runnable).length ?? 0;

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the arrow keys move between the links inside
    <div className="page home" onKeyDown={moveByArrows}>
      <title>{searching ? `${state.query} · nearmiss` : "nearmiss: machine-learning papers that run"}</title>
      <div className="hero">
        <h1>Find a paper. Run its claim.</h1>
        <p className="lead">
          {papers.data
            ? `${plural(papers.data.length, "paper")} on likelihoods and negatives, ${runnable} of them runnable on this machine.`
            : "Papers on likelihoods and negatives, with experiments that run on this machine."}
        </p>
        <SearchBox query={state.query} onQuery={onQuery} onEnter={onEnter} />
        <p className="hint" aria-hidden="true">
          <kbd>/</kbd> to search, <kbd>↓</kbd> <kbd>↑</kbd> to choose, <kbd>Enter</kbd> to open
        </p>
      </div>
      <div className="browse">
        <Filters papers={failure || waiting ? undefined : all} state={state} />
        <div className={searching && search.loading ? "results stale" : "results"}>
          <p className="visually-hidden" role="status">
            {searching && !search.loading && !search.error ? `${plural(shown.length, "paper")} found` : ""}
          </p>
          {failure ? (
            <Notice
              title={searching ? "The search failed" : "The collection did not load"}
              action={searching ? undefined : { label: "Try again", run: papers.reload }}
            >
              {failure.message}
            </Notice>
          ) : waiting ? (
            <Placeholder lines={9} label="Loading papers" />
          ) : shown.length === 0 ? (
            <NothingFound query={searching ? state.query : undefined} filtered={all.length > 0} />
          ) : searching ? (
            <section className="part">
              <h2>
                {search.results.length < mostResults ? "Found" : "Best matches"}{" "}
                <span className="count">{shown.length}</span>
              </h2>
              <PaperList papers={shown} withFamily />
            </section>
          ) : (
            <Collection papers={shown} />
          )}
        </div>
      </div>
    </div>
  );
}

function NothingFound({ query, filtered }: { query?: string; filtered: boolean }) {
  const title = query === undefined ? "No papers here" : `Nothing found for “${query}”`;
  const advice = filtered
    ? "There are papers outside of these filters: choose all families, or papers that do not run yet."
    : query === undefined
      ? "The collection is empty. Import a list of papers with the command: nearmiss import FILE"
      : "Try fewer or more general words, the exact title, or the arXiv number.";
  return (
    <Notice title={title} quiet>
      {advice}
    </Notice>
  );
}

/** Results as papers: with the verdicts that the list of papers knows, where it is loaded. */
function asPapers(results: SearchResult[], papers: Paper[]): Paper[] {
  const known = new Map(papers.map((paper) => [paper.slug, paper]));
  return results.map(
    ({ slug, title, year, family, runnable, summary }) =>
      known.get(slug) ?? {
        slug,
        title,
        year,
        family: family as Paper["family"],
        runnable,
        summary,
        verdicts: [],
      },
  );
}

/** Arrow keys lead from the search box through the papers and back; Escape returns to the box. */
function moveByArrows(event: KeyboardEvent<HTMLDivElement>) {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if ((step === 0 && event.key !== "Escape") || event.ctrlKey || event.metaKey || event.altKey) return;
  const box = event.currentTarget.querySelector<HTMLElement>("input[type=search]");
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>("a.paper-link")];
  const target = event.target as HTMLElement;
  const place = links.indexOf(target);
  if (target !== box && place < 0) return;
  if (event.key === "Escape") {
    box?.focus();
    return;
  }
  const next = place + step;
  const goal = next < 0 ? box : links[Math.min(next, links.length - 1)];
  if (!goal || (target === box && step < 0)) return;
  event.preventDefault();
  goal.focus();
  goal.scrollIntoView({ block: "nearest" });
}
