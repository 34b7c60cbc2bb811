import { classifier } from "./classifier.ts";
import { contrastiveLoss } from "./contrastive-loss.ts";
import { convnet } from "./convnet.ts";
import { languageModel } from "./language-model.ts";
import { retriever } from "./retriever.ts";
import { twoTowers } from "./two-towers.ts";
import type { Workload } from "./workload.ts";

export const workloads: readonly Workload[] = [
  classifier,
  twoTowers,
  contrastiveLoss,
  languageModel,
  convnet,
  retriever,
];

/** @throws RangeError naming those that exist. */
export function workloadNamed(name: string): Workload {
  const found = workloads.find((workload) => workload.name === name);
  if (!found) {
    const names = workloads.map((workload) => workload.name).join(", ");
    throw new RangeError(`workload: got ${JSON.stringify(name)}; expected one of ${names}`);
  }
  return found;
}

export { BATCHES, type Program, type Workload } from "./workload.ts";
