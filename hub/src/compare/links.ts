/** How a network's outputs become what is told to the user. */
import { divide, maximum, sigmoid, softmax, squeeze, sum, type Tensor } from "nearmiss";
import { sparsemax } from "nearmiss/nn";

export const linkNames = ["softmax", "sparsemax", "sigmoids", "share", "identity"] as const;

export type LinkName = (typeof linkNames)[number];

export const links: Readonly<Record<LinkName, (outputs: Tensor) => Tensor>> = {
  /** Logits [n, classes] to probabilities. */
  softmax: (outputs) => softmax(outputs),
  /** Logits [n, classes] to probabilities, many of which are 0. */
  sparsemax: (outputs) => sparsemax(outputs),
  /** A logit for each class by itself, [n, classes]: their probabilities, made to sum to 1. */
  sigmoids: (outputs) => {
    const each = maximum(sigmoid(outputs), 1e-6);
    return divide(each, sum(each, { axis: 1, keepDims: true }));
  },
  /** Logits that estimate the probabilities themselves, [n, classes]: negative ones are 0, and all sum to 1. */
  share: (outputs) => {
    const positive = maximum(outputs, 1e-6);
    return divide(positive, sum(positive, { axis: 1, keepDims: true }));
  },
  /** One number a row, [n, 1] to [n]. */
  identity: (outputs) => squeeze(outputs, 1),
};
