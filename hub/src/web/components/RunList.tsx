import type { RunRecord } from "../../types.ts";
import { formatAgo, formatDate, formatSeconds, plural, secondsBetween } from "../format.ts";
import { runPageAddress } from "../route.ts";
import { statusWords } from "../run/RunStatusBar.tsx";
import { DecisionBadges } from "./DecisionBadge.tsx";
import { Link } from "./Link.tsx";

/** Runs of a paper, each with a link to its own page. */
export function RunList({ runs }: { runs: RunRecord[] }) {
  return (
    <ol className="runs">
      {runs.map((run) => {
        const seconds = secondsBetween(run.startedAt, run.finishedAt);
        const seeds = new Set(run.trials.map((trial) => trial.seed)).size;
        const facts = [
          `scale ${run.scale}`,
          seeds > 0 && plural(seeds, "seed"),
          seconds !== undefined && formatSeconds(seconds),
        ].filter(Boolean);
        return (
          <li key={run.id}>
            <Link href={runPageAddress(run.id)}>
              <time dateTime={run.createdAt} title={formatDate(run.createdAt)}>
                {formatAgo(run.createdAt)}
              </time>
            </Link>
            <span className="facts">{facts.join(" · ")}</span>
            <span className="run-outcome">
              {run.status === "done" ? (
                <DecisionBadges verdicts={run.verdicts} />
              ) : (
                <span className="badge plain">{statusWords[run.status].toLowerCase()}</span>
              )}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
