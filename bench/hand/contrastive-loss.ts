import type { Problem } from "../problem.ts";
import { TEMPERATURE } from "../workloads/contrastive-loss.ts";
import { pencil } from "./graph.ts";
import { type HandGraph, infoNce, type Ways } from "./parts.ts";

/** The loss and both gradients; nothing is updated. */
export function contrastiveLossGraph(problem: Problem, ways: Ways = {}): HandGraph {
  const { anchors } = problem.batches[0] as Record<string, { shape: readonly [number, number] }>;
  const p = pencil(ways);
  p.input("anchors", anchors!.shape);
  p.input("positives", anchors!.shape);
  const { loss, anchorGradient, positiveGradient } = infoNce(
    p,
    "anchors",
    "positives",
    anchors!.shape[0],
    TEMPERATURE,
    ways,
  );
  p.output("loss", loss, []);
  p.output("gradient.anchors", anchorGradient, anchors!.shape);
  p.output("gradient.positives", positiveGradient, anchors!.shape);
  return { bytes: p.bytes(), state: new Map() };
}
