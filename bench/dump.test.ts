import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../library/src/random.ts";
import { handModel, nearmissModel, nodeTimes, profile, summarize } from "./dump.ts";
import { workloadNamed } from "./workloads/index.ts";

const event = (name: string, op_name: string, dur: number, input: number[]) => ({
  cat: "Node",
  name: `${name}_kernel_time`,
  dur,
  args: { op_name, input_type_shape: [{ float: input }], output_type_shape: [{ float: [] }] },
});

test("times are means over the runs after the first", () => {
  const nodes = nodeTimes([
    event("a", "ReduceSum", 9000, [2, 3]),
    event("b", "Exp", 100, [4]),
    { ...event("a", "ReduceSum", 7, [2]), name: "a_fence_before" },
    event("a", "ReduceSum", 1000, [2, 3]),
    event("a", "ReduceSum", 3000, [2, 3]),
  ]);
  assert.deepEqual(
    nodes.map(({ type, shapes, milliseconds }) => [type, shapes, milliseconds]),
    [
      ["ReduceSum", "2×3 → scalar", 2],
      ["Exp", "4 → scalar", 0.1],
    ],
  );
  assert.deepEqual(
    summarize([...nodes, nodes[1]!], ({ type }) => type),
    [
      ["ReduceSum", { count: 1, milliseconds: 2 }],
      ["Exp", { count: 2, milliseconds: 0.2 }],
    ],
  );
});

test("both graphs of the classifier run under the profiler, with their products", async () => {
  const workload = workloadNamed("classifier");
  const problem = workload.problem(random(1));
  for (const model of [nearmissModel(problem, workload.programs.nearmiss!), handModel(workload, problem)]) {
    const nodes = await profile(model, { steps: 2, intraOpNumThreads: 1 });
    // Three products forward, three weight gradients, two input gradients; sums may be products as well.
    assert.ok(nodes.filter(({ type }) => type.endsWith("Gemm")).length >= 8);
    assert.ok(nodes.some(({ shapes }) => /^256×784, 784×256, 256.* → 256×256$/.test(shapes)));
    assert.ok(nodes.every(({ milliseconds }) => milliseconds >= 0));
  }
});
