/**
 * Questions about the engine, answered by timing: `node bench/experiments/run.ts [name …] [--rounds 5]`.
 *
 * A name picks the experiments whose own begins with it. Timings are the least of the rounds' medians, with
 * candidates in turn; "difference" says how far a candidate's numbers are from the first one's.
 */
import { parseArgs } from "node:util";
import { format, showTable } from "../table.ts";
import { compare } from "./compare.ts";
import { experiments } from "./index.ts";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    milliseconds: { type: "string", default: "150" },
    threads: { type: "string", default: "1,2" },
  },
});
const picked = experiments.filter(
  ({ name }) => positionals.length === 0 || positionals.some((start) => name.startsWith(start)),
);
if (picked.length === 0) {
  throw new RangeError(
    `name: none begins with ${positionals.join(" or ")}; there are ${experiments.map((e) => e.name).join(", ")}`,
  );
}
for (const { name, question, candidates } of picked) {
  const timings = await compare(candidates(), {
    rounds: Number(options.rounds),
    milliseconds: Number(options.milliseconds),
    threadCounts: options.threads.split(",").map(Number),
  });
  const first = (threads: number) => timings.find((t) => t.threads === threads)!.milliseconds;
  const labels = [...new Set(timings.map(({ label }) => label))];
  const cells = (label: string, threads: number) => {
    const found = timings.find((t) => t.label === label && t.threads === threads);
    return found ? [format(found.milliseconds), (found.milliseconds / first(threads)).toFixed(2)] : ["", ""];
  };
  const worst = (label: string) =>
    Math.max(...timings.filter((t) => t.label === label).map(({ difference }) => difference)).toExponential(
      0,
    );
  const rows = labels.map((label) => [label, ...cells(label, 1), ...cells(label, 2), worst(label)]);
  console.log(`\n${name}: ${question}`);
  console.log(showTable([["", "ms, 1 thread", "×", "ms, 2 threads", "×", "difference"], ...rows]));
}
