/** compare and predict as their users meet them: processes, files, exit codes. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { spamAssassin } from "nearmiss/data";
import type { Comparison } from "../compare/comparison.ts";
import { csvLine } from "../compare/csv-line.ts";
import { numbersText, twoClassText } from "../compare/testing.ts";
import { scratchFolder } from "../runs/testing.ts";
import { commandIn } from "./testing.ts";

const scratch = scratchFolder();

const start = commandIn(scratch);
const nearmiss = (...args: string[]) => start(...args).ended;

const file = (name: string, text: string) => {
  writeFileSync(join(scratch, name), text);
  return name;
};
const read = (...path: string[]) => readFileSync(join(scratch, ...path), "utf8");

const kinds = file("kinds.csv", twoClassText(200, 0.4));
const quick = ["--losses", "squentropy", "--seeds", "2"];

test("e-mails: comparison, report and model; the model then names spam among new mails", async () => {
  const mails = spamAssassin().filter((_, i) => i % 12 === 0);
  const line = ({ id, subject, body, spam }: (typeof mails)[number], i: number) =>
    csvLine([id, i % 9 === 0 ? "" : subject, body.slice(0, 500), String(spam)]);
  const head = csvLine(["id", "subject", "body", "spam"]);
  file("mails.csv", head + mails.map(line).join(""));
  const { code, output, errors } = await nearmiss("compare", "mails.csv", "--target", "spam", ...quick);
  assert.equal(code, 0, errors);
  assert.match(output, /Column "id" was left out/);
  assert.match(output, /softmaxCrossEntropy +0\.\d+ \[/);
  assert.match(output, /(Keep softmaxCrossEntropy|Use squentropy)/);
  assert.match(output, /On 98 rows that were held back from everything/);
  assert.match(errors, /The report is mails-comparison\/report\.html/);
  assert.deepEqual(readdirSync(join(scratch, "mails-comparison")).sort(), [
    "comparison.json",
    "model",
    "report.html",
  ]);
  assert.deepEqual(readdirSync(join(scratch, "mails-comparison/model")).sort(), [
    "model.json",
    "model.onnx",
    "model.safetensors",
  ]);
  assert.match(read("mails-comparison", "report.html"), /<svg[^>]+role="img"/);

  // New rows: no target, no id, other order of columns.
  const fresh = spamAssassin().filter((_, i) => i % 60 === 7);
  const rows = fresh.map(({ subject, body }) => csvLine([body.slice(0, 500), subject]));
  file("new.csv", csvLine(["body", "subject"]) + rows.join(""));
  const predicted = await nearmiss("predict", "mails-comparison", "new.csv");
  assert.equal(predicted.code, 0, predicted.errors);
  const [first, ...lines] = predicted.output.trimEnd().split("\n");
  assert.equal(first, "prediction,probability of false,probability of true");
  assert.equal(lines.length, fresh.length);
  const right = lines.filter((text, i) => text.startsWith(`${fresh[i].spam},`)).length;
  assert.ok(right / lines.length > 0.8, `${right} of ${lines.length}`);
});

test("JSON: one document on standard output, equal to the file", async () => {
  const { code, output, errors } = await nearmiss(
    "compare",
    kinds,
    "--target",
    "kind",
    ...quick,
    "--out",
    "json",
    "--format",
    "json",
  );
  assert.equal(code, 0, errors);
  const comparison: Comparison = JSON.parse(output);
  assert.deepEqual(comparison, JSON.parse(read("json", "comparison.json")));
  assert.equal(comparison.complete, true);
  assert.equal(comparison.trials.length, 4);
  assert.deepEqual(comparison.classes, ["rare", "usual"]);
});

test("predictions go to CSV or JSON Lines, with gaps and unknown categories, and nothing is overwritten", async () => {
  assert.equal((await nearmiss("compare", kinds, "--target", "kind", ...quick, "--out", "k")).code, 0);
  file(
    "new.jsonl",
    '{"x": 4, "noise": null, "color": "mauve", "note": "seen"}\n{"x": -3, "noise": 0, "color": null, "note": null}\n',
  );
  const toLines = await nearmiss("predict", "k", "new.jsonl", "--out", "out.jsonl");
  assert.equal(toLines.code, 0, toLines.errors);
  const [one, two] = read("out.jsonl")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.equal(one.prediction, "rare");
  assert.equal(two.prediction, "usual");
  assert.ok(Math.abs(one.probabilities.rare + one.probabilities.usual - 1) < 1e-5);
  const again = await nearmiss("predict", "k", "new.jsonl", "--out", "out.jsonl");
  assert.equal(again.code, 2);
  assert.match(again.errors, /out\.jsonl exists already/);
  assert.equal((await nearmiss("predict", "k/model", "new.jsonl", "--out", "out.csv")).code, 0);
  assert.match(read("out.csv"), /^prediction,probability of rare,probability of usual\nrare,0\.\d+,/);
  const whole = JSON.parse((await nearmiss("predict", "k", "new.jsonl", "--format", "json")).output);
  assert.equal(whole.predictions.length, 2);
  const refused = await nearmiss("compare", kinds, "--target", "kind", "--out", "k");
  assert.equal(refused.code, 2);
  assert.match(refused.errors, /--out: k exists already/);
});

test("numbers: compared, kept, predicted", async () => {
  file("numbers.csv", numbersText(200));
  const { code, output, errors } = await nearmiss(
    "compare",
    "numbers.csv",
    "--target",
    "y",
    "--losses",
    "huber",
    "--seeds",
    "2",
  );
  assert.equal(code, 0, errors);
  assert.match(output, /RMSE \(lower is better\)/);
  file("two.csv", "b,a\n0,1\n1,0\n");
  const predicted = (await nearmiss("predict", "numbers-comparison", "two.csv")).output.trimEnd().split("\n");
  assert.equal(predicted[0], "prediction");
  assert.ok(
    Math.abs(Number(predicted[1]) - 103) < 2 && Math.abs(Number(predicted[2]) - 98) < 2,
    predicted.join(),
  );
});

test("Ctrl-C ends it with what is finished, marked as incomplete", async () => {
  const folder = join(scratch, "stopped");
  const { child, ended } = start("compare", kinds, "--target", "kind", "--seeds", "500", "--out", "stopped");
  // The folder is made when all checks are passed and training begins.
  while (!existsSync(folder)) await new Promise((resolve) => setTimeout(resolve, 20));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  child.kill("SIGINT");
  const { code, output, errors } = await ended;
  assert.equal(code, 130, errors);
  assert.match(output, /Incomplete: it was stopped/);
  assert.match(errors, /marked as incomplete/);
  assert.equal(JSON.parse(read("stopped", "comparison.json")).complete, false);
  assert.match(read("stopped", "report.html"), /<strong>Incomplete\.<\/strong>/);
  assert.ok(!existsSync(join(folder, "model")));
});

test("what cannot be done is told, with its exit code, and leaves no folder", async () => {
  const cases: [string[], number, RegExp][] = [
    [["compare", kinds, "--target", "kinds"], 2, /no column is named "kinds". Did you mean "kind"\?/],
    [
      ["compare", kinds, "--target", "kind", "--losses", "squentropi"],
      2,
      /"squentropi" is no objective. Did you mean squentropy\?/,
    ],
    [
      ["compare", kinds, "--target", "kind", "--losses", "huber"],
      2,
      /"huber" does not fit the target "kind" \(2 classes\)/,
    ],
    [
      ["compare", kinds, "--target", "kind", "--metric", "rmse"],
      2,
      /"rmse" does not fit .* expected accuracy, balanced-accuracy/,
    ],
    [
      ["compare", kinds, "--target", "kind", "--ignore", "nois"],
      2,
      /--ignore: no column is named "nois". Did you mean "noise"/,
    ],
    [["compare", kinds], 2, /required option '--target/],
    [["compare", "nowhere.csv", "--target", "kind"], 4, /nowhere\.csv/],
    [
      ["compare", file("three.csv", "a,kind\n1,x\n2,y\n3,x\n"), "--target", "kind"],
      4,
      /has 3 rows with a value; expected at least 30/,
    ],
    [
      ["compare", file("same.csv", `a,kind\n${"1,x\n".repeat(40)}`), "--target", "kind"],
      4,
      /is "x" in every row/,
    ],
    [
      ["compare", file("none.csv", `a,kind\n${"1,\n".repeat(40)}`), "--target", "kind"],
      4,
      /has no value in any of the 40 rows/,
    ],
    [["compare", file("ragged.csv", "a,kind\n1\n"), "--target", "kind"], 4, /line 2 has 1 fields/],
    [["predict", "nowhere", kinds], 4, /nowhere.*model\.json cannot be read/],
  ];
  const folders = () => readdirSync(scratch).filter((name) => name.startsWith("kinds-")).length;
  const before = folders();
  for (const [args, code, message] of cases) {
    const { errors, code: found } = await nearmiss(...args);
    assert.match(errors, message);
    assert.equal(found, code, errors);
  }
  assert.equal(folders(), before);
});

test("predict names the columns that are missing, and values that are no numbers", async () => {
  assert.equal((await nearmiss("compare", kinds, "--target", "kind", ...quick, "--out", "p")).code, 0);
  const missing = await nearmiss("predict", "p", file("short.csv", "x,note\n1,a\n"));
  assert.equal(missing.code, 4);
  assert.match(missing.errors, /needs columns "noise", "color", which the rows lack/);
  const wrong = await nearmiss("predict", "p", file("wrong.csv", "x,noise,color,note\n1,loud,red,a\n"));
  assert.equal(wrong.code, 4);
  assert.match(wrong.errors, /line 2, column "noise": "loud" is no decimal number/);
});
