import type { StudySummary } from "../../types.ts";
import { Scrollable } from "../components/Scrollable.tsx";
import { formatMean, formatSeconds, summarize } from "../format.ts";
import { ArmKey } from "./ArmKey.tsx";
import { isOver, type RunState, trialKey } from "./runState.ts";
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
  const meanings = metrics.filter((metric) => study?.metrics[metric]);
  return (
    <div className="metrics">
      <Scrollable className="table-scroll" label="Metrics by arm">
        <table>
          <caption>Mean ± standard deviation over seeds</caption>
          <thead>
            <tr>
              <th scope="col">Arm</th>
              {metrics.map((metric) => (
                <th scope="col" key={metric}>
                  {metric}
                  {direction.has(metric) && (
                    <span title={`${direction.get(metric)} is better`} className="direction">
                      <span aria-hidden="true">{direction.get(metric) === "higher" ? " ↑" : " ↓"}</span>
                      <span className="visually-hidden">, {direction.get(metric)} is better</span>
                    </span>
                  )}
                </th>
              ))}
              <th scope="col">time per seed</th>
            </tr>
          </thead>
          <tbody>
            {arms.map((arm, index) => {
              const trials = state.trials.filter((trial) => trial.arm === arm);
              return (
                <tr key={arm}>
                  <th scope="row">
                    <span className="arm-name">
                      <ArmKey index={index} />
                      {arm}
                    </span>
                    <TrialDots
                      fractions={state.seeds.map((seed) => state.fractions[trialKey(arm, seed)] ?? 0)}
                      finished={trials.length}
                      live={!isOver(state.status)}
                    />
                  </th>
                  {metrics.map((metric) => (
                    <MetricCell key={metric} {...summarize(trials, metric)} />
                  ))}
                  <td className="facts">
                    {trials.length > 0 ? formatSeconds(meanSeconds(trials)) : "\u2013"}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </Scrollable>
      {meanings.length > 0 && (
        <dl className="meanings">
          {meanings.map((metric) => (
            <div key={metric}>
              <dt>{metric}</dt>
              <dd>{study!.metrics[metric]}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}

function MetricCell({ mean, deviation, count }: { mean: number; deviation?: number; count: number }) {
  if (count === 0) return <td className="facts">{"\u2013"}</td>;
  const shown = formatMean(mean, deviation);
  return (
    <td>
      {shown.mean}
      {shown.deviation !== undefined && <span className="facts"> ± {shown.deviation}</span>}
    </td>
  );
}

/** Which way a metric is better, as the claims' comparisons say. */
function directions(study: StudySummary | undefined): Map<string, "higher" | "lower"> {
  const comparisons = study?.claims.flatMap((claim) => claim.comparisons) ?? [];
  return new Map(comparisons.map(({ metric, better }) => [metric, better]));
}

function meanSeconds(trials: { seconds: number }[]): number {
  return trials.reduce((sum, trial) => sum + trial.seconds, 0) / trials.length;
}
