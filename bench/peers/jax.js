/**
 * jax-js on WebAssembly as a contestant: node peers/jax.js <folder of the problem> <workload> <variant> <threads>
 *
 * Every use of an array but the last takes a `.ref`, as its reference counting wants. The whole step is
 * one jitted function.
 */
import { defaultDevice, init, jit, nn, numpy as np, tree, valueAndGrad } from "@jax-js/jax";
import { values } from "../../library/src/tensor/index.ts";
import { euclidean, serve } from "../contestant.ts";
import { flatten, readProblem, unflatten } from "../problem.ts";

const TEMPERATURE = 0.05;

const crossEntropy = (logits, labels) => {
  const classes = logits.shape[1];
  const n = logits.shape[0];
  return nn
    .logSoftmax(logits)
    .mul(nn.oneHot(labels, classes))
    .sum()
    .mul(-1 / n);
};

const normalize = (x) => {
  const length = np.sqrt(np.square(x.ref).sum(1, { keepdims: true }));
  return x.div(length);
};

const infoNce = (anchors, positives) => {
  const n = anchors.shape[0];
  const a = normalize(anchors);
  const b = normalize(positives);
  const own = a.ref.mul(b.ref).sum().div(TEMPERATURE);
  const scores = np.matmul(a, np.transpose(b)).div(TEMPERATURE);
  return nn.logsumexp(scores, 1).sum().sub(own).div(n);
};

const dense = ({ weight, bias }, x) => np.matmul(x, weight).add(bias);

const sgd = (rate) => ({
  init: (params) => ({ params }),
  update: ({ params }, gradients) => ({
    params: tree.map((p, g) => p.sub(g.mul(rate)), params, gradients),
  }),
});

const adam = (rate) => ({
  init: (params) => ({
    params,
    mean: tree.map((x) => np.zeros(x.shape), params),
    square: tree.map((x) => np.zeros(x.shape), params),
    step: np.array(0),
  }),
  update: ({ params, mean, square, step }, gradients) => {
    const next = step.add(1);
    const root = np.sqrt(np.subtract(1, np.exp(next.ref.mul(Math.log(0.999)))));
    const size = root.ref.mul(rate).div(np.subtract(1, np.exp(next.ref.mul(Math.log(0.9)))));
    const floor = root.mul(1e-8);
    const m = tree.map((a, g) => a.mul(0.9).add(g.mul(0.1)), mean, tree.ref(gradients));
    const v = tree.map((a, g) => a.mul(0.999).add(np.square(g).mul(0.001)), square, gradients);
    const moved = tree.map(
      (p, a, b) => p.sub(a.div(np.sqrt(b).add(floor.ref)).mul(size.ref)),
      params,
      tree.ref(m),
      tree.ref(v),
    );
    floor.dispose();
    size.dispose();
    return { params: moved, mean: m, square: v, step: next };
  },
});

const workloads = {
  classifier: {
    optimizer: sgd(0.05),
    loss: (params, { x, labels }) => {
      const first = nn.relu(dense(params[0], x));
      const second = nn.relu(dense(params[1], first));
      return crossEntropy(dense(params[2], second), labels);
    },
  },
  "two-towers": {
    optimizer: adam(1e-3),
    loss: (params, { queries, passages }) =>
      infoNce(dense(params.query, queries), dense(params.passage, passages)),
  },
  "contrastive-loss": {
    loss: ({ anchors, positives }) => infoNce(anchors, positives),
  },
};

const toJax = (x) => np.array(values(x)).reshape([...x.shape]);
const read = (branch) => unflatten(new Map([...flatten(branch)].map(([name, x]) => [name, toJax(x)])));

const [folder, name] = process.argv.slice(2);
const workload = workloads[name];
if (!workload) throw new Error(`Error: ${name} is not written for jax-js`);
await init("wasm");
defaultDevice("wasm");
const problem = readProblem(folder);
const batches = problem.batches.map(read);
const { optimizer, loss } = workload;
const step = optimizer
  ? jit((state, batch) => {
      const [value, gradients] = valueAndGrad(loss)(tree.ref(state.params), batch);
      return [value, optimizer.update(state, gradients)];
    })
  : jit((batch) => valueAndGrad(loss)(batch));

let state;
let gradients;
await serve(
  {
    reset: () => {
      if (state) tree.dispose(state);
      state = optimizer?.init(read(problem.parameters));
    },
    step: async (i) => {
      const batch = tree.ref(batches[i]);
      let value;
      if (optimizer) [value, state] = step(state, batch);
      else {
        if (gradients) tree.dispose(gradients);
        [value, gradients] = step(batch);
        // Arrays are computed when they are asked for.
        for (const g of Object.values(gradients)) await g.blockUntilReady?.();
      }
      return (await value.data())[0];
    },
    gradientNorms: () =>
      gradients ? [gradients.anchors, gradients.positives].map((g) => euclidean(g.ref.dataSync())) : [],
  },
  batches.length,
);
