import type { CSSProperties } from "react";
import type { StudySummary } from "../../types.ts";
import { Breakable } from "../components/Breakable.tsx";
import { Scrollable } from "../components/Scrollable.tsx";
import { formatMean, formatSeconds, summarize } from "../format.ts";
import { ArmKey } from "./ArmKey.tsx";
import { isOver, type RunState, type TrialResult, trialKey } from "./runState.ts";
import { TrialDots } from "./TrialDots.tsx";

interface Properties {
  state: RunState;
  arms: string[];
  study?: StudySummary;
}

/** Each arm's metrics as mean ± standard deviation over its finished seeds; fills as trials finish. */
export function MetricsTable({ state, arms, study }: Properties) {
  const reported = state.trials.flatMap((trial) => Object.keys(trial.metrics));
  const metrics = [...new Set([...Object.keys(study?.metrics ?? {}), ...reported])];
  const direction = directions(study);
  const trialsOf = new Map(arms.map((arm) => [arm, state.trials.filter((trial) => trial.arm === arm)]));
  return (
    <Scrollable className="table-scroll" label="Metrics by arm">
      <table className="metrics" style={{ "--arms": arms.length } as CSSProperties}>
        <caption>Metrics, mean ± standard deviation over seeds</caption>
        <thead>
          <tr>
            <td className="corner" />
            {arms.map((arm, index) => (
              <th scope="col" key={arm}>
                <ArmKey index={index} />
                <span className="arm-name">
                  <Breakable name={arm} />
                </span>
                <TrialDots
                  fractions={state.seeds.map((seed) => state.fractions[trialKey(arm, seed)] ?? 0)}
                  finished={trialsOf.get(arm)!.length}
                  live={!isOver(state.status)}
                />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {metrics.map((metric) => (
            <tr key={metric}>
              <th scope="row">
                {metric}
                {direction.has(metric) && (
                  <span className="direction"> ({direction.get(metric)} is better)</span>
                )}
                {study?.metrics[metric] && <span className="meaning">{study.metrics[metric]}</span>}
              </th>
              {arms.map((arm) => (
                <MetricCell key={arm} trials={trialsOf.get(arm)!} metric={metric} />
              ))}
            </tr>
          ))}
          <tr>
            <th scope="row">
              time <span className="meaning">mean wall time per seed</span>
            </th>
            {arms.map((arm) => (
              <td key={arm}>{meanTime(trialsOf.get(arm)!)}</td>
            ))}
          </tr>
        </tbody>
      </table>
    </Scrollable>
  );
}

function MetricCell({ trials, metric }: { trials: TrialResult[]; metric: string }) {
  const { mean, deviation, count } = summarize(trials, metric);
  if (count === 0) return <td>{"\u2013"}</td>;
  const shown = formatMean(mean, deviation);
  return (
    <td>
      {shown.mean}
      {shown.deviation !== undefined && <span className="deviation"> ± {shown.deviation}</span>}
    </td>
  );
}

/** Which way a metric is better, as the claims' comparisons say. */
function directions(study: StudySummary | undefined): Map<string, "higher" | "lower"> {
  const comparisons = study?.claims.flatMap((claim) => claim.comparisons) ?? [];
  return new Map(comparisons.map(({ metric, better }) => [metric, better]));
}

function meanTime(trials: TrialResult[]): string {
  if (trials.length === 0) return "\u2013";
  return formatSeconds(trials.reduce((sum, trial) => sum + trial.seconds, 0) / trials.length);
}
