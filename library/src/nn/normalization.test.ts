import assert from "node:assert/strict";
import { test } from "node:test";
import {
  evaluate,
  grad,
  mean,
  multiply,
  square,
  sum,
  type Tensor,
  tensor,
  valueAndGrad,
  values,
} from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { batchNormalization, layerNormalization, rmsNormalization } from "./index.ts";
import { assertClose, double, wave, waves } from "./testing.ts";

const x = wave([2, 3, 4], 100, 2);

test("layer normalisation has the values of PyTorch's", async () => {
  const layer = layerNormalization(4);
  const y = await evaluate(layer.apply(waves(layer.init(random(1))), x));
  assertClose(
    y,
    [
      -0.272010555, -0.102706707, -0.354974052, 0.10018757, -0.272010555, -0.714899097, 0.053817656,
      0.292606632, -0.272010555, -0.588820646, -0.779130069, 0.190192942, -0.272010555, -0.007115968,
      -0.048374069, 0.101204098, -0.272010555, -0.836479718, -0.086025936, 0.312286821, -0.272010555,
      -0.360799731, -0.655678826, 0.141642711,
    ],
  );
});

test("normalisation by the root mean square: rows of root mean square 1, direction kept", async () => {
  const layer = rmsNormalization(4, { epsilon: 1e-14 });
  const y = layer.apply(double(layer.init(random(1))), x);
  const [size, ratio] = await evaluate([mean(square(y), { axis: -1 }), y] as const);
  assertClose(size, Array(6).fill(1), 1e-12);
  const [a, b] = [values(ratio), values(x)];
  assertClose([a[1]! / a[0]!, a[7]! / a[4]!], [b[1]! / b[0]!, b[7]! / b[4]!], 1e-12);
});

test("batch normalisation: PyTorch's results and running statistics over three batches", async () => {
  const layer = batchNormalization(3);
  const params = waves(layer.init(random(1)));
  let statistics = double(layer.statistics());
  let y: Tensor | undefined;
  for (const index of [100, 101, 102]) {
    [y, statistics] = await evaluate(layer.train(params, statistics, wave([2, 3, 4], index, 2)));
  }
  assertClose(
    y!,
    [
      -0.272010555, -0.272010555, -0.272010555, -0.272010555, -0.931101053, -0.229334775, -0.059584416,
      -0.577917671, -0.466627772, -0.787522032, -0.267998456, 0.614295377, -0.272010555, -0.272010555,
      -0.272010555, -0.272010555, -1.323280247, -0.597555927, -0.065306695, -0.215880042, 0.004506928,
      -0.708118236, -0.653329047, 0.118501566,
    ],
  );
  assertClose(statistics.mean, [0.011934066, 0.034472489, -0.056999511]);
  assertClose(statistics.variance, [1.339383359, 1.291797788, 1.079807667]);
  assertClose(
    await evaluate(layer.apply(params, statistics, x)),
    [
      -0.272010555, -0.272010555, -0.272010555, -0.272010555, -1.228009187, -0.738360443, -0.041292059,
      0.222314507, 0.138245024, -0.699796361, -1.118181108, -0.732248211, -0.272010555, -0.272010555,
      -0.272010555, -0.272010555, -1.218892013, -1.081494606, -0.421201592, 0.154916677, 0.501190049,
      -0.227936997, -0.971232728, -1.045314477,
    ],
  );
});

test("gradients by inputs, gain and bias", async () => {
  const layer = layerNormalization(4);
  const rms = rmsNormalization(4);
  const batch = batchNormalization(3);
  const statistics = { mean: wave([3], 4), variance: square(wave([3], 5, 2)) };
  const weights = wave([2, 3, 4], 8);
  const against = (y: Tensor) => sum(multiply(y, weights));
  const checks = [
    checkGradient((p) => against(layer.apply(p.layer, p.x)), { layer: waves(layer.init(random(1))), x }),
    checkGradient((p) => against(rms.apply(p.layer, p.x)), { layer: waves(rms.init(random(1))), x }),
    checkGradient((p) => against(batch.train(p.layer, statistics, p.x)[0]), {
      layer: waves(batch.init(random(1))),
      x,
    }),
    checkGradient((p) => against(batch.apply(p.layer, statistics, p.x)), {
      layer: waves(batch.init(random(1))),
      x,
    }),
  ];
  for (const { error } of await Promise.all(checks)) assert.ok(error < 1e-6, `${error}`);
});

test("the statistics come out of a loss as its auxiliary result, and let no gradient through", async () => {
  const layer = batchNormalization(3);
  const params = double(layer.init(random(1)));
  const [[loss, next], gradients] = await evaluate(
    valueAndGrad((p: typeof params) => {
      const [y, statistics] = layer.train(p, double(layer.statistics()), x);
      return [sum(square(y)), statistics] as const;
    })(params),
  );
  assert.ok(values(loss)[0]! > 0 && values(gradients.gain).every((g) => g > 0));
  assert.equal(next.mean.shape[0], 3);
  const through = await checkGradient(
    (v: Tensor) => sum(layer.train(params, double(layer.statistics()), v)[1].mean),
    x,
  );
  assert.ok(through.gradients[0]!.every((g) => g === 0));
});

test("rows without variance and rows of huge numbers give finite results and gradients", async () => {
  const rows = tensor([
    [3, 3, 3, 3],
    [0, 0, 0, 0],
    [1e4, -1e4, 1e4, 0],
  ]);
  for (const layer of [layerNormalization(4), rmsNormalization(4)]) {
    const apply = layer.apply as (params: unknown, x: Tensor) => Tensor;
    const [y, gradient] = await evaluate([
      apply(layer.init(random(1)), rows),
      grad((v: Tensor) => sum(square(apply(layer.init(random(1)), v))))(rows),
    ] as const);
    assert.ok([...values(y), ...values(gradient)].every(Number.isFinite));
    assert.deepEqual([...values(y)].slice(4, 8), [0, 0, 0, 0]);
  }
});

test("misuse is named", () => {
  const layer = batchNormalization(3);
  const params = waves(layer.init(random(1)));
  assert.throws(
    () => layer.train(params, layer.statistics(), wave([2, 4], 1)),
    /x is .*expected \[n, 3, \.\.\.\]/,
  );
  assert.throws(() => layer.train(params, layer.statistics(), wave([1, 3], 1)), /one value a channel/);
  assert.throws(() => batchNormalization(3, { momentum: 2 }), /momentum is 2/);
  assert.throws(() => layerNormalization(1.5), /width is 1.5/);
});
