import type { Decision } from "@nearmiss/papers/study";
import { DecisionIcon } from "./DecisionIcon.tsx";

/** A verdict in one word, told apart by word and shape as well as by colour. */
export function DecisionBadge({ decision, count }: { decision: Decision; count?: number }) {
  return (
    <span className={`badge ${decision}`}>
      <DecisionIcon decision={decision} />
      {decision}
      {count !== undefined && count > 1 && <span className="badge-count">×{count}</span>}
    </span>
  );
}

/** The decisions of several claims, counted; those that speak for the paper first. */
export function DecisionBadges({ decisions }: { decisions: Decision[] }) {
  const order: Decision[] = ["supports", "contradicts", "inconclusive"];
  return order.map((decision) => {
    const count = decisions.filter((one) => one === decision).length;
    return count > 0 && <DecisionBadge key={decision} decision={decision} count={count} />;
  });
}
