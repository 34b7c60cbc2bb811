import type { Experiment } from "./compare.ts";
import { elementwise } from "./elementwise.ts";
import { engine } from "./engine.ts";
import { products } from "./products.ts";
import { reductions } from "./reductions.ts";
import { wholeSteps } from "./workloads.ts";

export const experiments: readonly Experiment[] = [
  ...elementwise,
  ...products,
  ...reductions,
  ...engine,
  ...wholeSteps,
];
