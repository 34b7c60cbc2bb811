import assert from "node:assert/strict";
import { test } from "node:test";
import { add, conv2d, fromData, grad, matmul, relu, sum, type Tensor, transpose } from "../index.ts";
import { convNet, mlp } from "../nn/index.ts";
import { random } from "../random.ts";
import { multiplyAdds } from "./index.ts";

const zeros = (...shape: number[]) =>
  fromData(new Float32Array(shape.reduce((product, size) => product * size, 1)), shape);

test("products and convolutions are counted, all else is not", () => {
  const [a, b] = [zeros(3, 4), zeros(4, 5)];
  assert.equal(multiplyAdds(matmul(a, b)), 60);
  assert.equal(multiplyAdds(matmul(a, transpose(zeros(5, 4)))), 60);
  assert.equal(multiplyAdds(matmul(zeros(2, 3, 4), zeros(2, 4, 5))), 120);
  assert.equal(multiplyAdds(relu(add(a, 1))), 0);
  const image = zeros(2, 3, 8, 8);
  assert.equal(multiplyAdds(conv2d(image, zeros(5, 3, 3, 3), { padding: "same" })), 2 * 5 * 64 * 27);
  assert.equal(
    multiplyAdds(conv2d(image, zeros(5, 3, 3, 3), { padding: "same", stride: 2 })),
    2 * 5 * 16 * 27,
  );
  assert.equal(
    multiplyAdds(conv2d(image, zeros(6, 1, 3, 3), { padding: "same", groups: 3 })),
    2 * 6 * 64 * 9,
  );
});

test("what is used twice is counted once", () => {
  const product = matmul(zeros(3, 4), zeros(4, 5));
  assert.equal(multiplyAdds(add(product, relu(product))), 60);
  assert.equal(multiplyAdds({ one: product, two: [product] }), 60);
});

test("networks: as many as weights for a dense one; gradients cost twice as much as the forward pass", () => {
  const dense = mlp([7, 5, 3]);
  const x = zeros(1, 7);
  assert.equal(multiplyAdds(dense.apply(dense.init(random(1)), x)), 7 * 5 + 5 * 3);
  const network = convNet({ side: 8, filters: [4], head: [6] });
  const params = network.init(random(1));
  const images = zeros(1, 64);
  const forward = multiplyAdds(network.apply(params, images));
  assert.equal(forward, 4 * 64 * 9 + 4 * 16 * 6);
  const backward = multiplyAdds(grad((p: typeof params) => sum(network.apply(p, images)))(params));
  // The first layer needs no gradient of the images; the forward pass of the last is not needed.
  assert.equal(backward, 2 * 4 * 64 * 9 + 2 * 4 * 16 * 6);
  const wholeImage = (image: Tensor) => sum(conv2d(image, zeros(2, 3, 3, 3), { padding: "same" }));
  assert.equal(multiplyAdds(grad(wholeImage)(zeros(1, 3, 4, 4))), 2 * 16 * 27);
});
