import { infoNCE } from "../../library/src/losses/index.ts";
import { embedding } from "../../library/src/nn/index.ts";
import { adam } from "../../library/src/optim/index.ts";
import { embeddingBag, fromData, type Tensor, valueAndGrad } from "../../library/src/tensor/index.ts";
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
    // Adam over the whole table, with the gradient of `gather`. Sparse row updates, once the library has
    // them, go beside it as `"nearmiss sparse"`: the table then compares it with PyTorch's SparseAdam.
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
};
