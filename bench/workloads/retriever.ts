import { compile } from "../../library/src/index.ts";
import { infoNCE } from "../../library/src/losses/index.ts";
import { embedding } from "../../library/src/nn/index.ts";
import {
  adam,
  bagMeans,
  embeddingTable,
  lazyAdamBags,
  lazyAdamState,
  rowCollector,
} from "../../library/src/optim/index.ts";
import {
  embeddingBag,
  fromData,
  item,
  split,
  type Tensor,
  valueAndGrad,
  values,
} from "../../library/src/tensor/index.ts";
import type { Trainer } from "../contestant.ts";
import type { Problem } from "../problem.ts";
import { BATCHES, type Workload } from "./workload.ts";

const ROWS = 30_000;
const WIDTH = 128;
const PAIRS = 512;
const BAG = 16;
export const TEMPERATURE = 0.05;
export const LEARNING_RATE = 1e-3;

const optimizer = adam({ learningRate: LEARNING_RATE });

export const retriever: Workload = {
  name: "retriever",
  target: "G6",
  title: "static-embedding retriever, 30,000 × 128 table, 512 pairs of 16-token bags, InfoNCE, Adam",
  problem: (random) => ({
    parameters: { table: embedding(ROWS, WIDTH).init(random.split("table")) },
    batches: Array.from({ length: BATCHES }, (_, i) => {
      const draw = random.split("batch").split(i);
      const bags = () =>
        fromData(
          Int32Array.from({ length: PAIRS * BAG }, () => draw.integer(0, ROWS)),
          [PAIRS, BAG],
        );
      return { queries: bags(), passages: bags() };
    }),
  }),
  programs: {
    // Adam over the whole table, with the gradient of `gather`.
    nearmiss: {
      init: (parameters) => optimizer.init(parameters as { table: Tensor }),
      step: (state, batch: { queries: Tensor; passages: Tensor }) => {
        const [loss, gradients] = valueAndGrad(({ table }: { table: Tensor }) => {
          const encode = (bags: Tensor) => embeddingBag(table, bags, { padding: null });
          return infoNCE(encode(batch.queries), encode(batch.passages), { temperature: TEMPERATURE });
        })(state.params);
        return { state: optimizer.update(state, gradients), loss };
      },
    },
  },
  hostPrograms: { "nearmiss sparse": sparseRetriever },
};

/** Adam for the rows of the batch alone: bags outside of the graph, as PyTorch's SparseAdam. */
function sparseRetriever(problem: Problem, threads: number): Trainer {
  const initial = values((problem.parameters as { table: Tensor }).table) as Float32Array;
  const batches = problem.batches as { queries: Tensor; passages: Tensor }[];
  const indices = batches.map(({ queries, passages }) =>
    Int32Array.of(...values(queries), ...values(passages)),
  );
  const collect = rowCollector(ROWS, 2 * PAIRS * BAG, { bag: BAG });
  const step = compile(
    (bags: Tensor) =>
      valueAndGrad((x: Tensor) => {
        const [queries, passages] = split(x, 2) as [Tensor, Tensor];
        return infoNCE(queries, passages, { temperature: TEMPERATURE });
      })(bags),
    { threads },
  );
  const means = new Float32Array(2 * PAIRS * WIDTH);
  const table = embeddingTable(ROWS, WIDTH, 2 * PAIRS * BAG, { bag: BAG });
  let state = lazyAdamState(table);
  return {
    reset: () => {
      table.values.set(initial);
      state = lazyAdamState(table);
    },
    step: async (number) => {
      const batch = collect(indices[number]!);
      bagMeans(table, batch, means);
      const [loss, gradient] = await step(fromData(means, [2 * PAIRS, WIDTH]));
      lazyAdamBags(table, state, batch, values(gradient) as Float32Array, { learningRate: LEARNING_RATE });
      return item(loss);
    },
  };
}
