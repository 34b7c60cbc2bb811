import { infoNCE } from "../../library/src/losses/index.ts";
import { dense } from "../../library/src/nn/index.ts";
import { adam } from "../../library/src/optim/index.ts";
import { fromData, type Tensor, valueAndGrad } from "../../library/src/tensor/index.ts";
import { BATCHES, type Workload } from "./workload.ts";

const INPUTS = 512;
const OUTPUTS = 256;
const BATCH = 1024;
export const TEMPERATURE = 0.05;
export const LEARNING_RATE = 1e-3;

const tower = dense(INPUTS, OUTPUTS);
const optimizer = adam({ learningRate: LEARNING_RATE });

export const twoTowers: Workload = {
  name: "two-towers",
  target: "G2",
  title: "InfoNCE, two towers 512→256, batch 1024, Adam",
  problem: (random) => ({
    parameters: {
      query: tower.init(random.split("query")),
      passage: tower.init(random.split("passage")),
    },
    batches: Array.from({ length: BATCHES }, (_, i) => {
      const draw = random.split("batch").split(i);
      return {
        queries: fromData(draw.normal(BATCH * INPUTS), [BATCH, INPUTS]),
        passages: fromData(draw.normal(BATCH * INPUTS), [BATCH, INPUTS]),
      };
    }),
  }),
  programs: {
    nearmiss: {
      init: (parameters) => optimizer.init(parameters),
      step: (state, batch: { queries: Tensor; passages: Tensor }) => {
        const [loss, gradients] = valueAndGrad((params: typeof state.params) =>
          infoNCE(tower.apply(params.query, batch.queries), tower.apply(params.passage, batch.passages), {
            temperature: TEMPERATURE,
          }),
        )(state.params);
        return { state: optimizer.update(state, gradients), loss };
      },
    },
  },
};
