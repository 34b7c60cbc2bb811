import { type KeyboardEvent, useEffect, useState } from "react";

interface Properties {
  query: string;
  onQuery: (query: string) => void;
  /** Enter: open the best result. */
  onEnter: (query: string) => void;
}

/** A pause in typing this long starts a search. */
const pauseMilliseconds = 120;

/** The search box. Arrow down leads to the results, Escape empties it. */
export function SearchBox({ query, onQuery, onEnter }: Properties) {
  const [draft, setDraft] = useState(query);

  // The address can change without typing (back, a link): the box follows.
  useEffect(() => setDraft(query), [query]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: only typing starts the pause
  useEffect(() => {
    if (draft === query) return;
    const timer = setTimeout(() => onQuery(draft), pauseMilliseconds);
    return () => clearTimeout(timer);
  }, [draft]);

  function onKeyDown(event: KeyboardEvent<HTMLInputElement>) {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter") {
      event.preventDefault();
      onEnter(draft);
    }
    if (event.key === "Escape") {
      setDraft("");
      onQuery("");
    }
  }

  return (
    <search className="search">
      <label className="visually-hidden" htmlFor="search">
        Search papers
      </label>
      <svg className="search-icon" viewBox="0 0 20 20" aria-hidden="true">
        <circle cx="8.5" cy="8.5" r="5.5" />
        <path d="m13 13 4.5 4.5" />
      </svg>
      <input
        id="search"
        type="search"
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={onKeyDown}
        placeholder="Title, method or arXiv number"
        autoComplete="off"
        spellCheck={false}
        maxLength={500}
      />
      <span className="key" aria-hidden="true">
        /
      </span>
    </search>
  );
}
