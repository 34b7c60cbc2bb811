import type { ClaimVerdict, Decision } from "@nearmiss/papers/study";
import { DecisionIcon } from "../components/DecisionIcon.tsx";
import { Prose } from "../components/Prose.tsx";
import { EffectRow } from "./EffectRow.tsx";
import { effectDomain } from "./effectScale.ts";

const words: Record<Decision, string> = {
  supports: "Supports the claim",
  contradicts: "Contradicts the claim",
  inconclusive: "Inconclusive",
};

/** One claim: the decision, what was claimed, the rule, and the effects that it rests on. */
export function VerdictCard({ verdict }: { verdict: ClaimVerdict }) {
  const { decision, statement, rule, effects } = verdict;
  return (
    <article className={`verdict ${decision}`} data-decision={decision}>
      <h3>
        <DecisionIcon decision={decision} />
        {words[decision]}
      </h3>
      <Prose text={statement} />
      <ul className="effects">
        {effects.map((effect) => (
          <EffectRow
            key={`${effect.metric} ${effect.method} ${effect.baseline}`}
            effect={effect}
            // Effects in the same units share an axis, so that their lengths compare.
            domain={effectDomain(effects.filter((other) => other.metric === effect.metric))}
          />
        ))}
      </ul>
      <p className="rule">
        <strong>Rule</strong> {rule}
      </p>
    </article>
  );
}
