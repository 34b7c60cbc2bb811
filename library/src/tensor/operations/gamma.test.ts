import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate } from "../../runtime/index.ts";
import { checkGradients } from "../../testing.ts";
import { digamma, grad, lgamma, sum, type Tensor, tensor, trigamma, values } from "../index.ts";
import { checkErrors } from "./testing/rows.ts";

/** x, then log |Γ|, ψ, ψ′, ψ″ and ψ‴ there, computed with 40 digits by mpmath 1.3. */
const table = [
  [-3.7, -1.3797399049658245, -0.8450768588704194, 14.84242186412428, -68.89345468867354, 768.994649440866],
  [-1.25, 1.3664317612369763, 3.714139120213528, 19.181879647671607, 123.72136678366236, 1558.2209125348506],
  [-0.5, 1.2655121234846454, 0.03648997397857652, 8.934802200544679, -0.82879664423432, 193.40909103400244],
  [0.1, 2.252712651734206, -10.423754940411076, 101.43329915079275, -2001.8614573783436, 60004.51287679026],
  [
    0.4999, 0.5725613186041184, -1.9640035904016993, 4.936485567383169, -16.838541411991205,
    97.48627692992547,
  ],
  [0.5, 0.5723649429247001, -1.9635100260214235, 4.934802200544679, -16.82879664423432, 97.40909103400244],
  [1, 0, -0.5772156649015329, 1.6449340668482264, -2.4041138063191885, 6.493939402266829],
  [1.5, -0.12078223763524522, 0.03648997397857652, 0.9348022005446793, -0.82879664423432, 1.4090910340024372],
  [2, 0, 0.42278433509846713, 0.6449340668482264, -0.4041138063191886, 0.49393940226682914],
  [
    3.3, 0.9870985778947344, 1.0348224890596216, 0.3535015418410618, -0.12375118526494272,
    0.08584966733688494,
  ],
  [
    7.999, 8.523145786158915, 2.015508332090348, 0.1331547166131586, -0.01770426937012624,
    0.004701109085959767,
  ],
  [8, 8.525161361065415, 2.01564147795561, 0.1331370146940314, -0.017699569195767775, 0.004699239795945104],
  [
    12, 17.502307845873887, 2.442661679975812, 0.08690187287176838, -0.007547205368998912,
    0.001310093231070826,
  ],
  [
    20.25, 40.08411059791735, 2.983260263975308, 0.050622103814419776, -0.002562051037602933,
    0.0002592823091200848,
  ],
  [
    1e3, 5905.220423209181, 6.907255195648812, 0.0010005001666666333, -1.0010004999998333e-6,
    2.003001999999e-9,
  ],
  [1e10, 220258509288.81058, 23.025850929890456, 1.00000000005e-10, -1.0000000001e-20, 2.0000000003e-30],
] as const;

const derivative = (f: (x: Tensor) => Tensor) => (x: Tensor) => grad((z: Tensor) => sum(f(z)))(x);
const functions = [lgamma, digamma, trigamma, derivative(trigamma), derivative(derivative(trigamma))];

for (const [dtype, tolerance, from] of [
  ["float64", 2e-14, -4],
  // Rounding x to float32 already moves results near the poles by more than its last digit.
  ["float32", 5e-7, 0.4],
] as const) {
  test(`log Γ and its first four derivatives at known points, in ${dtype}`, async () => {
    const rows = table.filter(([x]) => x > from);
    const x = tensor(
      rows.map(([point]) => point),
      { dtype },
    );
    const results = await evaluate(functions.map((f) => f(x)));
    results.forEach((result, order) => {
      rows.forEach((row, i) => {
        const [got, wanted] = [values(result)[i]!, row[order + 1]!];
        const size = Math.max(order < 2 ? 1 : 0, Math.abs(wanted));
        // Digits are lost between the poles, where the reflection subtracts.
        const slack = row[0] < 0.5 ? 20 : 1;
        assert.ok(
          Math.abs(got - wanted) <= slack * tolerance * size,
          `order ${order} at ${row[0]}: ${got}, not ${wanted}`,
        );
      });
    });
  });
}

test("derivatives of log Γ, ψ and ψ′ agree with central differences on both sides of 1/2", async () => {
  const x = tensor([-2.6, -1.3, -0.4, 0.2, 0.45, 0.6, 1.7, 7.9, 8.1, 9.9, 10.1, 40], { dtype: "float64" });
  for (const f of functions.slice(0, 3)) {
    const checks = await checkGradients([
      { f: (z: Tensor) => sum(f(z)), params: x },
      { f: (z: Tensor) => sum(derivative(f)(z)), params: x },
    ]);
    for (const { error } of checks) assert.ok(error < 1e-6, `${error}`);
  }
});

test("poles and limits", async () => {
  const x = tensor([0, -1, -2, Number.POSITIVE_INFINITY], { dtype: "float64" });
  const infinity = Number.POSITIVE_INFINITY;
  const [log, first] = await evaluate([lgamma(x), digamma(x)] as const);
  assert.deepEqual([...values(log)], [infinity, infinity, infinity, infinity]);
  assert.deepEqual([...values(first)].map(Math.abs), [infinity, infinity, infinity, infinity]);
});

checkErrors([["log Γ of integers", () => lgamma(tensor([1], { dtype: "int32" })), /^lgamma: x is .*int32/]]);
