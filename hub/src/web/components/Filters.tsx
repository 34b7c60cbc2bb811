import { families } from "@nearmiss/papers/card";
import type { Paper } from "../../types.ts";
import { asWords } from "../format.ts";
import { navigate } from "../navigation.ts";
import { type HomeState, homeAddress } from "../route.ts";
import { Link } from "./Link.tsx";

interface Properties {
  /** The papers to choose from, before any filter; without them there is nothing to count yet. */
  papers?: Paper[];
  state: HomeState;
}

/** Narrows the collection, or what was found, to a family or to what can be run. */
export function Filters({ papers, state }: Properties) {
  const offered = papers?.filter((paper) => paper.runnable || !state.runnableOnly) ?? [];
  const counts = new Map<string, number>();
  for (const { family } of offered) if (family) counts.set(family, (counts.get(family) ?? 0) + 1);
  const runnable = papers?.filter(
    (paper) => paper.runnable && (!state.family || paper.family === state.family),
  )?.length;

  const choices = [
    { family: undefined, name: "All families", count: offered.length },
    ...families.map((family) => ({ family, name: asWords(family), count: counts.get(family) ?? 0 })),
  ];

  return (
    <nav className="filters" aria-label="Filters">
      <label className="switch">
        <input
          type="checkbox"
          checked={state.runnableOnly}
          onChange={(event) =>
            navigate(homeAddress({ ...state, runnableOnly: event.target.checked }), { replace: true })
          }
        />
        <span>Runnable only</span>
        <span className="count">{runnable}</span>
      </label>
      <ul>
        {choices.map(({ family, name, count }) => (
          <li key={name}>
            <Link
              href={homeAddress({ ...state, family })}
              replace
              aria-current={state.family === family ? "true" : undefined}
              className={papers && count === 0 ? "choice none" : "choice"}
            >
              <span>{name}</span>
              <span className="count">{papers && count}</span>
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
