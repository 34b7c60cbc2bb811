/**
 * TensorFlow.js on WebAssembly as a contestant: node peers/tfjs.js <folder of the problem> <workload> <variant> <threads>
 *
 * The backend has one thread in Node, and no kernels for the gradients of convolutions and of gather: where
 * those are needed it ends with an error that says so.
 */
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { values } from "../../library/src/tensor/index.ts";
import { serve } from "../contestant.ts";
import { flatten, readProblem, unflatten } from "../problem.ts";

// Its ES modules do not load in Node; its CommonJS bundles do.
const require = createRequire(import.meta.url);
const tf = require("@tensorflow/tfjs");
const { setWasmPaths } = require("@tensorflow/tfjs-backend-wasm");

const TEMPERATURE = 0.05;

const crossEntropy = (logits, labels) => {
  const [n, classes] = logits.shape;
  return tf.mul(tf.sum(tf.mul(tf.logSoftmax(logits), tf.oneHot(labels, classes))), -1 / n);
};

const normalize = (x) => tf.div(x, tf.sqrt(tf.sum(tf.square(x), 1, true)));

const infoNce = (anchors, positives) => {
  const a = normalize(anchors);
  const b = normalize(positives);
  const scores = tf.div(tf.matMul(a, b, false, true), TEMPERATURE);
  const own = tf.div(tf.sum(tf.mul(a, b), 1), TEMPERATURE);
  return tf.mean(tf.sub(tf.logSumExp(scores, 1), own));
};

const dense = ({ weight, bias }, x) => tf.add(tf.matMul(x, weight), bias);
const adam = () => tf.train.adam(1e-3, 0.9, 0.999, 1e-8);

const workloads = {
  classifier: {
    optimizer: () => tf.train.sgd(0.05),
    loss: (params, { x, labels }) => {
      const hidden = tf.relu(dense(params[1], tf.relu(dense(params[0], x))));
      return crossEntropy(dense(params[2], hidden), labels);
    },
  },
  "two-towers": {
    optimizer: adam,
    loss: (params, { queries, passages }) =>
      infoNce(dense(params.query, queries), dense(params.passage, passages)),
  },
  "contrastive-loss": {
    gradientOf: ["anchors", "positives"],
    loss: (_params, { anchors, positives }) => infoNce(anchors, positives),
  },
  convnet: {
    optimizer: adam,
    loss: ({ convolutions, head }, { x, labels }) => {
      // Its convolutions want channels last; weights and flattening are turned to match.
      let hidden = tf.reshape(x, [-1, 28, 28, 1]);
      for (const { weight, bias } of convolutions) {
        const convolved = tf.conv2d(hidden, tf.transpose(weight, [2, 3, 1, 0]), 1, "same");
        hidden = tf.maxPool(tf.relu(tf.add(convolved, tf.reshape(bias, [-1]))), 2, 2, "valid");
      }
      const flat = tf.reshape(tf.transpose(hidden, [0, 3, 1, 2]), [x.shape[0], -1]);
      return crossEntropy(dense(head[1], tf.relu(dense(head[0], flat))), labels);
    },
  },
  retriever: {
    optimizer: adam,
    loss: ({ table }, { queries, passages }) => {
      const encode = (bags) => tf.mean(tf.gather(table, bags), 1);
      return infoNce(encode(queries), encode(passages));
    },
  },
};

const toTf = (x) => tf.tensor(values(x), [...x.shape], x.dtype);
const read = (branch, wrap) =>
  unflatten(new Map([...flatten(branch)].map(([path, x]) => [path, wrap(toTf(x))])));

const [folder, name] = process.argv.slice(2);
const workload = workloads[name];
if (!workload) throw new Error(`${name} is not written for TensorFlow.js`);
const wasm = dirname(require.resolve("@tensorflow/tfjs-backend-wasm/package.json"));
setWasmPaths(`${wasm}/dist/`);
await tf.setBackend("wasm");
const problem = readProblem(folder);
const batches = problem.batches.map((batch) => read(batch, (x) => x));

let params;
let variables = [];
let optimizer;
let gradients = [];
await serve(
  {
    reset: () => {
      tf.dispose(variables);
      variables = [];
      optimizer?.dispose();
      params = read(problem.parameters, (x) => {
        const variable = tf.variable(x);
        variables.push(variable);
        return variable;
      });
      optimizer = workload.optimizer?.();
    },
    step: async (i) => {
      const batch = batches[i];
      if (workload.gradientOf) {
        tf.dispose(gradients);
        const inputs = workload.gradientOf.map((key) => batch[key]);
        const { value, grads } = tf.valueAndGrads((anchors, positives) =>
          workload.loss(params, { anchors, positives }),
        )(inputs);
        gradients = grads;
        const loss = (await value.data())[0];
        value.dispose();
        return loss;
      }
      const cost = optimizer.minimize(() => workload.loss(params, batch), true, variables);
      const loss = (await cost.data())[0];
      cost.dispose();
      return loss;
    },
    gradientNorms: () => gradients.map((g) => tf.tidy(() => tf.norm(g).dataSync()[0])),
  },
  batches.length,
);
