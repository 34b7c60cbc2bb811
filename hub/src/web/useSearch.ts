/** Searches while a query is typed: an answer that comes late never replaces a newer one. */
import { useEffect, useState } from "react";
import type { SearchResult } from "../types.ts";
import { type ApiFailure, searchPapers } from "./api.ts";
import { asFailure } from "./useResource.ts";

export interface Search {
  /** The query that `results` answer; behind the query asked for while the answer is on its way. */
  query: string;
  results: SearchResult[];
  error?: ApiFailure;
  loading: boolean;
}

/** The most that the hub gives for one query. */
export const mostResults = 100;
const nothing: Search = { query: "", results: [], loading: false };

/** An empty query finds nothing and asks nobody. */
export function useSearch(query: string): Search {
  const [search, setSearch] = useState<Search>(nothing);

  useEffect(() => {
    if (query.trim() === "") {
      setSearch(nothing);
      return;
    }
    const controller = new AbortController();
    setSearch((before) => ({ ...before, loading: true, error: undefined }));
    searchPapers(query, mostResults, controller.signal).then(
      (results) => !controller.signal.aborted && setSearch({ query, results, loading: false }),
      (error: unknown) => {
        if (!controller.signal.aborted)
          setSearch({ query, results: [], loading: false, error: asFailure(error) });
      },
    );
    return () => controller.abort();
  }, [query]);

  return search;
}
