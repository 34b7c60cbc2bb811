/** The recommendation in words, with what the held-back rows say of it. */
import type { HeldBack, ObjectiveResult } from "./comparison.ts";
import type { Metric } from "./metrics.ts";

type Judged = { name: string; difference: NonNullable<ObjectiveResult["difference"]> };

export interface RecommendationFacts {
  best?: { name: string };
  judged: readonly Judged[];
  heldBack: HeldBack;
  metric: Pick<Metric, "name" | "label" | "better">;
  baseline: string;
}

export function recommendationText({
  best,
  judged,
  heldBack,
  metric,
  baseline,
}: RecommendationFacts): string {
  if (judged.length === 0) return `Only ${baseline} was trained, so nothing is compared.`;
  const difference = judged.find(({ name }) => name === best?.name)?.difference;
  if (!best || !difference) return `Keep ${baseline}. ${whyNone(judged, metric, baseline)}`;
  const size = Math.abs(difference.estimate);
  const [more, less] = metric.better === "higher" ? ["higher", "lower"] : ["lower", "higher"];
  const start = `Use ${best.name}: its ${metric.label} is ${digits(size)} ${more} than that of ${baseline} on average over seeds, corrected p ${probability(difference.adjusted)}.`;
  const apart = heldBack.difference!.estimate;
  const direction =
    apart === 0
      ? "the same"
      : `${digits(Math.abs(apart))} ${apart > 0 === (metric.better === "higher") ? more : less}`;
  const held = {
    yes: `On the rows held back it holds: ${direction}, and the interval leaves 0 out.`,
    unclear: `On the rows held back it is ${direction}, but these rows alone could not tell: the interval holds 0.`,
    no: `On the rows held back it does not hold: ${direction}. Trust the recommendation little.`,
  }[heldBack.holds!];
  return `${start} ${held}`;
}

function whyNone(judged: readonly Judged[], metric: RecommendationFacts["metric"], baseline: string): string {
  const gains = judged.map(({ name, difference }) => ({
    name,
    adjusted: difference.adjusted,
    gain: metric.better === "higher" ? difference.estimate : -difference.estimate,
  }));
  const best = gains.reduce((a, b) => (b.gain > a.gain ? b : a));
  if (best.gain <= 0) return `No other objective did better on average.`;
  if (judged.every(({ difference }) => !Number.isFinite(difference.low)))
    return `With one seed nothing is known of chance; --seeds asks for more.`;
  return `The largest gain over ${baseline}, ${digits(best.gain)} with ${best.name}, could be chance (corrected p ${probability(best.adjusted)}).`;
}

/** Three significant digits. */
const digits = (value: number) => String(Number(value.toPrecision(3)));

export const probability = (p: number) => (p < 0.001 ? "below 0.001" : String(Number(p.toPrecision(2))));
