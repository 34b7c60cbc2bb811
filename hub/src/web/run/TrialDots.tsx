import { plural } from "../format.ts";

interface Properties {
  /** Fraction done of each seed's trial. */
  fractions: number[];
  finished: number;
  /** Once a run is over the dots have nothing more to tell than the count. */
  live: boolean;
}

/** An arm's trials as a row of small bars, each filling as its seed runs. */
export function TrialDots({ fractions, finished, live }: Properties) {
  const total = fractions.length;
  return (
    <span className="trials">
      {live && total <= 24 && (
        <span className="trial-dots" aria-hidden="true">
          {fractions.map((fraction, seed) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a trial's place is what it is
            <span key={seed} className="trial-dot">
              <span style={{ width: `${fraction * 100}%` }} />
            </span>
          ))}
        </span>
      )}
      <span className="facts">
        {total > 0 ? `${finished} of ${plural(total, "seed")}` : plural(finished, "seed")}
      </span>
    </span>
  );
}
