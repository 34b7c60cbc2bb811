import type { ClaimVerdict, ScaleName } from "@nearmiss/papers/study";
import { VerdictCard } from "./VerdictCard.tsx";

interface Properties {
  verdicts: ClaimVerdict[];
  /** How far the study is from the paper's scale. */
  distance?: string;
  scale?: ScaleName;
}

/** The verdict on each claim, and beside it always how far the study is from the paper. */
export function Verdicts({ verdicts, distance, scale }: Properties) {
  return (
    <section className="verdicts" aria-label="Verdict">
      <h2>{verdicts.length > 1 ? "Verdicts" : "Verdict"}</h2>
      {verdicts.map((verdict) => (
        <VerdictCard key={verdict.claim} verdict={verdict} />
      ))}
      {scale === "smoke" && (
        <p className="caution">
          A smoke run only shows that the study works. Run it at the default scale for a verdict to quote.
        </p>
      )}
      {distance && (
        <p className="distance">
          <strong>Distance from the paper</strong> {distance}
        </p>
      )}
    </section>
  );
}
