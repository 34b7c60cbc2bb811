import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, fromData, grad, item, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { dpo, type ResponsePairs, scoreDpo } from "./index.ts";

const pairs = (chosen: ArrayLike<number>, rejected: ArrayLike<number>): ResponsePairs => ({
  chosen: fromData(Float64Array.from(chosen), [chosen.length]),
  rejected: fromData(Float64Array.from(rejected), [rejected.length]),
});
const close = (actual: number, expected: number, tolerance = 1e-7) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const zero = pairs([0], [0]);

test("a worked example: a margin of one half is all that a gap of one half asks for", async () => {
  // Log-ratios of 2 and −3.
  const policy = pairs([2], [-3]);
  const [scored, plain] = await evaluate([
    scoreDpo(policy, zero, pairs([0.9], [0.4])),
    scoreDpo(policy, zero, pairs([0.9], [0.4]), { marginScale: 0 }),
  ] as const);
  close(item(scored), Math.LN2);
  close(item(plain), 0.474077);
});

test("equal scores, or no margin, give DPO; at the reference it is softplus of the gap", async () => {
  const draw = random("score dpo");
  const some = () => pairs(draw.normal(5, -2, 2), draw.normal(5, -2, 2));
  const [policy, reference] = [some(), some()];
  const scores = some();
  const same = { chosen: scores.chosen, rejected: scores.chosen };
  const [plain, equal, scale, start] = await evaluate([
    dpo(policy, reference, { beta: 0.3 }),
    scoreDpo(policy, reference, same, { beta: 0.3 }),
    scoreDpo(policy, reference, scores, { beta: 0.3, marginScale: 0 }),
    scoreDpo(policy, policy, pairs([0.9, 0.9, 0.9, 0.9, 0.9], [0.2, 0.2, 0.2, 0.2, 0.2])),
  ] as const);
  close(item(equal), item(plain), 1e-12);
  close(item(scale), item(plain), 1e-12);
  close(item(start), Math.log(1 + Math.exp(0.7)), 1e-7);
  assert.ok(item(start) >= Math.log(2));
});

test("the gradient is −β σ(gap − margin), so that a larger gap pulls more strongly", async () => {
  const pull = async (gap: number) => {
    const f = (policy: ResponsePairs) => scoreDpo(policy, zero, pairs([gap], [0]));
    return values((await evaluate(grad(f)(pairs([2], [-3])))).chosen)[0]!;
  };
  for (const gap of [0, 0.5, 1]) close(await pull(gap), -0.1 / (1 + Math.exp(0.5 - gap)), 1e-12);
});

test("gradient agrees with central differences; reference and scores have none", async () => {
  const draw = random("gradient");
  for (let seed = 0; seed < 4; seed++) {
    const some = () => pairs(draw.normal(4, 0, 3), draw.normal(4, 0, 3));
    const [reference, scores] = [some(), some()];
    const options = { beta: 0.5, reduction: (["mean", "sum"] as const)[seed % 2]! };
    const { error } = await checkGradient(
      (p: ResponsePairs) => scoreDpo(p, reference, scores, options),
      some(),
    );
    assert.ok(error < 1e-6, `${error}`);
    const held = await evaluate(grad((r: ResponsePairs) => scoreDpo(some(), r, r, options))(reference));
    assert.ok([...values(held.chosen), ...values(held.rejected)].every((g) => g === 0));
  }
});

test("extreme log-probabilities stay finite; bad input is refused by name", async () => {
  const single = (a: number, b: number): ResponsePairs => ({
    chosen: fromData(Float32Array.of(a, b), [2]),
    rejected: fromData(Float32Array.of(b, a), [2]),
  });
  const f = (p: ResponsePairs) => scoreDpo(p, single(0, 0), single(1, 0), { beta: 1 });
  const [value, gradient] = await evaluate([f(single(1e4, -1e4)), grad(f)(single(1e4, -1e4))] as const);
  assert.ok(Number.isFinite(item(value)) && values(gradient.chosen).every(Number.isFinite));
  assert.throws(() => scoreDpo(zero, zero, pairs([1, 2], [0, 0])), /scores.chosen is .*expected/);
  assert.throws(() => scoreDpo(zero, zero, zero, { marginScale: -1 }), /marginScale is -1/);
  assert.throws(() => scoreDpo(zero, zero, zero, { beta: 0 }), /beta is 0/);
});
