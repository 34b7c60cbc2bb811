import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compile,
  concat,
  evaluate,
  grad,
  greater,
  logicalAnd,
  multiply,
  notEqual,
  slice,
  sum,
  type Tensor,
  tensor,
  values,
} from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import {
  attention,
  causalMask,
  maskedSigmoid,
  maskedSoftmax,
  multiHeadAttention,
  paddingMask,
  sparsemax,
} from "./index.ts";
import { assertClose, double, wave, waves } from "./testing.ts";

const layer = multiHeadAttention({ width: 4, heads: 2 });
const params = waves(layer.init(random(1)));
const x = wave([2, 3, 4], 100, 2);
const context = wave([2, 5, 4], 101, 2);
const present = tensor([
  [true, true, false],
  [true, false, false],
]);

test("multi-head attention has the values of PyTorch's, causal, padded and over a context", async () => {
  const [causal, weights, padded, crossed] = await evaluate([
    layer.apply(params, x, { mask: causalMask(3) }),
    layer.weights(params, x, { mask: causalMask(3) }),
    layer.apply(params, x, { mask: paddingMask(present) }),
    layer.apply(params, x, { context }),
  ] as const);
  // torch.nn.MultiheadAttention 1.13 in float64.
  assertClose(
    causal,
    [
      0.328029415, 0.65443405, 0.379155038, -0.244717367, 0.339342787, 0.58074952, 0.288217823, -0.269300012,
      0.362964521, 0.609091695, 0.295222773, -0.290072605, 0.291075553, 0.619729243, 0.378606724, -0.21060507,
      0.338434935, 0.56824479, 0.275613006, -0.270416105, 0.36316551, 0.622261647, 0.309253296, -0.288081109,
    ],
  );
  assertClose(
    weights,
    [
      1, 0, 0, 0.499486148, 0.500513852, 0, 0.412850761, 0.325269193, 0.261880046, 1, 0, 0, 0.453032309,
      0.546967691, 0, 0.397191146, 0.288113368, 0.314695486, 1, 0, 0, 0.522980147, 0.477019853, 0,
      0.470868922, 0.256761423, 0.272369655, 1, 0, 0, 0.501976255, 0.498023745, 0, 0.38990084, 0.278135404,
      0.331963756,
    ],
  );
  assertClose(
    padded,
    [
      0.345616766, 0.590459985, 0.292437017, -0.274451196, 0.339342787, 0.58074952, 0.288217823, -0.269300012,
      0.323425652, 0.586028182, 0.309839104, -0.251214617, 0.291075553, 0.619729243, 0.378606724, -0.21060507,
      0.291075553, 0.619729243, 0.378606724, -0.21060507, 0.291075553, 0.619729243, 0.378606724, -0.21060507,
    ],
  );
  assertClose(
    crossed,
    [
      0.381919766, 0.61459873, 0.282218456, -0.309632165, 0.380708434, 0.586697313, 0.253279388, -0.313002438,
      0.369376373, 0.600925108, 0.27998607, -0.29837087, 0.367896085, 0.606202696, 0.287169344, -0.295886178,
      0.366316449, 0.578433938, 0.258741932, -0.298836213, 0.360986111, 0.604787409, 0.292549953,
      -0.288656581,
    ],
  );
});

test("gradients of attention, with every normaliser and mask, by parameters and inputs", async () => {
  const both = logicalAnd(causalMask(3), paddingMask(present));
  for (const normalizer of [maskedSoftmax, maskedSigmoid, sparsemax]) {
    for (const mask of [undefined, causalMask(3), both]) {
      const each = multiHeadAttention({ width: 4, heads: 2, normalizer, queryKeyNormalization: true });
      const weights = wave([2, 3, 4], 7);
      const { error } = await checkGradient(
        (p) => sum(multiply(each.apply(p.layer, p.x, { mask }), weights)),
        { layer: waves(each.init(random(2))), x },
      );
      assert.ok(error < 1e-6, `${error}`);
    }
  }
  const other = multiHeadAttention({ width: 4, heads: 4, contextWidth: 3, bias: false });
  const { error } = await checkGradient(
    (p) => sum(multiply(other.apply(p.layer, p.x, { context: p.context }), x)),
    { layer: waves(other.init(random(2))), x, context: wave([2, 5, 3], 9) },
  );
  assert.ok(error < 1e-6, `${error}`);
});

test("sparsemax: two closed forms, sums of 1, the gradient of its Jacobian", async () => {
  const at = async (row: number[]) => [
    ...values(await evaluate(sparsemax(tensor([row], { dtype: "float64" })))),
  ];
  // For two scores that differ by t, |t| ≤ 1, the weights are (1 ± t) / 2 (Martins and Astudillo, section 2.2).
  assertClose(await at([0.7, 0.1]), [0.8, 0.2], 1e-12);
  assertClose(await at([3, 0.1]), [1, 0], 0);
  assertClose(await at([1.1, 1, 0.2, -5]), [0.55, 0.45, 0, 0], 1e-12);
  assertClose(await at([1e4, 1e4 - 0.5, -1e4]), [0.75, 0.25, 0], 1e-9);
  const draw = random("simplex");
  const scores = tensor(draw.normal(new Float64Array(60)), { shape: [12, 5] });
  const weights = values(await evaluate(sparsemax(scores)));
  for (let row = 0; row < 12; row++) {
    const part = [...weights.slice(row * 5, row * 5 + 5)];
    assert.ok(Math.abs(part.reduce((a, b) => a + b) - 1) < 1e-12 && part.every((w) => w >= 0));
    // The point of the simplex nearest to the scores: what was cut off from the others is the same for all.
    const s = [...values(scores).slice(row * 5, row * 5 + 5)];
    const cuts = part.flatMap((w, i) => (w > 0 ? [s[i]! - w] : []));
    assert.ok(Math.max(...cuts) - Math.min(...cuts) < 1e-12);
    part.forEach((w, i) => {
      if (w === 0) assert.ok(s[i]! <= cuts[0]! + 1e-12);
    });
  }
  // diag(support) − support supportᵀ / size, for the support {0, 1} (equation 14).
  const jacobianRow = grad((z: Tensor) => sum(slice(sparsemax(z), [null, 0])))(tensor([[1.1, 1, 0.2]]));
  assertClose(values(await evaluate(jacobianRow)), [0.5, -0.5, 0], 1e-7);
});

for (const [name, normalizer] of Object.entries({ maskedSoftmax, maskedSigmoid, sparsemax })) {
  test(`${name}: hidden keys weigh exactly 0, whatever their scores; nothing to see gives zeros`, async () => {
    const scores = tensor([
      [1e4, -1e4, 3],
      [2, 1, 0],
      [-1e4, -1e4, 1e4],
    ]);
    const mask = tensor([
      [false, true, true],
      [false, false, false],
      [true, true, false],
    ]);
    const dynamic = compile((z: Tensor, m: Tensor) => ({
      weights: normalizer(z, greater(m, 0)),
      gradient: grad((s: Tensor) => sum(multiply(normalizer(s, greater(m, 0)), tensor([1, 2, 3]))))(z),
    }));
    const result = await dynamic(scores, tensor(Float32Array.from(values(mask)), { shape: [3, 3] }));
    const constant = await evaluate(normalizer(scores, mask));
    assert.deepEqual([...values(constant)], [...values(result.weights)]);
    const weights = [...values(constant)];
    for (const hidden of [0, 3, 4, 5, 8]) assert.equal(weights[hidden], 0);
    assert.ok(values(result.gradient).every(Number.isFinite));
    for (const hidden of [0, 3, 4, 5, 8]) assert.equal(values(result.gradient)[hidden], 0);
    if (normalizer !== maskedSigmoid) {
      assert.equal(weights[1]! + weights[2]!, 1);
      assert.deepEqual(weights.slice(6), [0.5, 0.5, 0]);
    }
  });
}

test("appending masked tokens changes nothing for the others", async () => {
  const tokens = tensor(Int32Array.of(3, 1, 2, 5, 4, 0), { shape: [2, 3] });
  const long = tensor(Int32Array.of(3, 1, 2, 0, 0, 5, 4, 0, 0, 0), { shape: [2, 5] });
  const x2 = wave([2, 3, 4], 3);
  const run = async (t: Tensor, inputs: Tensor) =>
    values(
      await evaluate(
        slice(layer.apply(params, inputs, { mask: paddingMask(notEqual(t, 0)) }), [null, [0, 3]]),
      ),
    );
  const extra = concat([x2, multiply(wave([2, 2, 4], 8), 100)], 1);
  assertClose(await run(long, extra), await run(tokens, x2), 1e-12);
});

test("with a causal mask no output depends on a later input", async () => {
  const gradient = await evaluate(
    grad((inputs: Tensor) =>
      sum(slice(layer.apply(params, inputs, { mask: causalMask(3) }), [null, [0, 2]])),
    )(x),
  );
  const g = values(gradient);
  for (const row of [2, 5]) assert.ok(g.slice(row * 4, row * 4 + 4).every((v) => v === 0));
  assert.ok(g.slice(4, 8).some((v) => v !== 0));
});

test("attention by itself, over single matrices", async () => {
  const one = double(tensor([[1, 0]]));
  const keys = double(
    tensor([
      [0, 1],
      [0, 1],
    ]),
  );
  const mixed = await evaluate(attention(one, keys, double(tensor([[2], [4]]))));
  assertClose(mixed, [3]);
  const sharp = await evaluate(
    attention(
      one,
      double(
        tensor([
          [1, 0],
          [0, 1],
        ]),
      ),
      double(tensor([[2], [4]])),
      { scale: 50 },
    ),
  );
  assertClose(sharp, [2], 1e-12);
});

test("misuse is named", () => {
  assert.throws(
    () => multiHeadAttention({ width: 10, heads: 3 }),
    /width is 10; expected a multiple of heads, 3/,
  );
  assert.throws(() => multiHeadAttention({ width: 4, heads: 0 }), /heads is 0; expected a whole number/);
  assert.throws(() => layer.apply(params, wave([2, 3, 5], 1)), /x is .*expected \[n, length, 4\]/);
  assert.throws(() => layer.apply(params, x, { context: wave([2, 3], 1) }), /context is .*expected/);
  assert.throws(() => layer.apply(params, x, { mask: wave([3, 3], 1) }), /mask is .*expected bool/);
  assert.throws(() => paddingMask(wave([3, 3], 1)), /present is .*expected bool/);
  assert.throws(() => causalMask(0), /length is 0/);
});
