import type { Decision } from "@nearmiss/papers/study";

const paths: Record<Decision, string> = {
  supports: "M3 8.5 6.5 12 13 4.5",
  contradicts: "M4 4 12 12 M12 4 4 12",
  inconclusive: "M2.5 9.5 C4.5 5 7 6 8 8 S11.5 11 13.5 6.5",
};

export function DecisionIcon({ decision }: { decision: Decision }) {
  return (
    <svg className="decision-icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={paths[decision]} />
    </svg>
  );
}
