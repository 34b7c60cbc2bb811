/** A comparison of miners, as text for a terminal and in words. */
import { columns, styled, wrap } from "../cli/output.ts";
import { between } from "../compare/text.ts";
import type { MinerComparison, MinerResult } from "./miner-comparison.ts";
import { sourceText } from "./verdict.ts";

/** Best first. */
export const byQuality = (results: readonly MinerResult[]) =>
  results.toSorted((a, b) => b.quality.estimate - a.quality.estimate);

/** Which miner to take, if any is shown to be better than the baseline. */
export function minersVerdict({
  results,
  baseline,
  queries,
  seeds,
}: Pick<MinerComparison, "results" | "baseline" | "queries" | "seeds">): string {
  const where = `on ${queries.heldBack} ${sourceText(queries.source)}, ${seeds.length} seed${seeds.length === 1 ? "" : "s"}`;
  const better = byQuality(results).filter(({ together }) => together && together.low > 0);
  const worse = results.filter(({ together }) => together && together.high < 0);
  const bad =
    worse.length === 0 ? "" : ` Worse than ${baseline}: ${worse.map(({ name }) => name).join(", ")}.`;
  const [best] = better;
  if (!best)
    return `No miner is shown to be better than ${baseline} ${where}: with ${results.length - 1} of them compared, each interval is wide enough for all together.${bad}`;
  const chosen = best.againstRandom
    ? ` Against as many random negatives it is ${between(best.againstRandom, true)}${best.againstRandom.low > 0 ? "" : ": that it chooses them is not shown to matter, only that there are more"}.`
    : "";
  return `Use ${best.name} (${best.about}): nDCG@10 ${between(best.difference!, true)} against ${baseline} ${where}; better, too, in an interval wide enough for all ${results.length - 1} comparisons.${chosen}${bad}`;
}

export function minersText(comparison: MinerComparison): string {
  const { corpus, queries, results, warm, seeds, notes, verdict, seconds, negatives, steps, complete } =
    comparison;
  const facts = [
    `${corpus.documents} documents`,
    `${queries.training} training queries`,
    `${seconds.toFixed(0)} s`,
  ];
  const head = [
    "",
    "nDCG@10",
    `against ${comparison.baseline}`,
    "against random",
    "fused with BM25",
    "seeds",
    "filled",
    "",
  ];
  const rows = byQuality(results).map((result) => [
    result.name,
    between(result.quality),
    result.difference ? between(result.difference, true) : "",
    result.againstRandom ? between(result.againstRandom, true) : "",
    between(result.fused),
    result.seeds.map((value) => value.toFixed(3)).join(" "),
    result.filled > 0 ? `${(100 * result.filled).toFixed(0)} %` : "",
    "",
  ]);
  const table = columns([head.map((cell) => styled("dim", cell)), ...rows]).map((line) => `  ${line}`);
  return [
    `${styled("bold", corpus.name)}  ${styled("dim", facts.join(", "))}`,
    ...(complete ? [] : [styled("bold", `Incomplete: it was stopped after ${seeds.length} of the seeds.`)]),
    ...notes.map((note) => styled("dim", wrap(note, ""))),
    [
      ...table,
      styled(
        "dim",
        wrap(
          `Of the encoder alone, means and 95 % intervals over ${queries.heldBack} queries, each averaged over seeds. All start from one encoder (${between(warm)}) and train ${steps} steps on the same batches with ${negatives} negatives a pair; filled: drawn at random, as the miner gave too few.`,
        ),
      ),
    ].join("\n"),
    styled("bold", wrap(verdict, "")),
  ].join("\n\n");
}
