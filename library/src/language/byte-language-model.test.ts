import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, fromData, values } from "../index.ts";
import { tokenCrossEntropy } from "../losses/index.ts";
import { random } from "../random.ts";
import { mapTree } from "../tree.ts";
import { byteLanguageModel, byteWriter } from "./index.ts";

const model = byteLanguageModel({ hidden: 6, embedding: 4 });
const params = model.init(random(1));
const bytesOf = (...texts: string[]) =>
  fromData(Int32Array.from(texts.flatMap((text) => [...new TextEncoder().encode(text)])), [
    texts.length,
    texts[0]!.length,
  ]);

test("a head of zeros takes 8 bits a byte", async () => {
  const even = {
    ...params,
    head: mapTree(params.head, (w) => fromData(new Float32Array(values(w).length), w.shape)),
  };
  const { logits } = model.read(even, bytesOf("abc", "xyz"));
  const mask = fromData(new Uint8Array(6).fill(1), [2, 3]);
  const loss = values(await evaluate(tokenCrossEntropy(logits, bytesOf("bcd", "yz."), mask)))[0]!;
  assert.ok(Math.abs(Number(loss) / Math.LN2 - 8) < 1e-6);
});

test("padding in front or behind leaves the state; a text read in two parts is the same", async () => {
  const present = (kept: number[]) => fromData(Uint8Array.from(kept), [1, kept.length]);
  const first = model.read(params, bytesOf("a fin")).state;
  const states = await evaluate([
    model.read(params, bytesOf("a fine day")).state,
    model.read(params, bytesOf("a fine day##"), { present: present([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]) })
      .state,
    model.read(params, bytesOf("##a fine day"), { present: present([0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]) })
      .state,
    model.read(params, bytesOf("e day"), { start: first }).state,
  ]);
  for (const other of states.slice(1))
    for (const part of ["hidden", "cell"] as const)
      values(other[part]).forEach((x, i) => {
        assert.ok(Math.abs(Number(x) - Number(values(states[0]![part])[i])) < 1e-6);
      });
});

test("the same draws give the same texts; a clamp changes them unless nothing comes from its unit", async () => {
  const write = byteWriter(model, { threads: 1 });
  const begun = [Uint8Array.of(10, 32), Uint8Array.of(10, 32)];
  const unit = 3;
  const of = (p: typeof params, value?: number) =>
    write(p, begun, 12, random(5), value === undefined ? undefined : { unit, value });
  assert.deepEqual(await of(params), await of(params));
  assert.equal((await of(params))[1]!.length, 12);
  const loud = {
    ...params,
    head: mapTree(params.head, (w) =>
      fromData(
        Float32Array.from(values(w) as Float32Array, (x) => 20 * x),
        w.shape,
      ),
    ),
  };
  assert.notDeepEqual(await of(loud, 40), await of(loud));
  /** The unit's row of a matrix [hidden, …] set to zero. */
  const mute = (w: typeof loud.bytes) => {
    const width = w.shape[1]!;
    return fromData(
      Float32Array.from(values(w) as Float32Array, (x, i) => (Math.floor(i / width) === unit ? 0 : x)),
      w.shape,
    );
  };
  const muted = {
    ...loud,
    cell: { ...loud.cell, stateFactor: mute(loud.cell.stateFactor) },
    head: { ...loud.head, weight: mute(loud.head.weight) },
  };
  assert.deepEqual(await of(muted, 40), await of(muted));
});

test("bad input is named", async () => {
  assert.throws(() => byteLanguageModel({ hidden: 0 }), /hidden/);
  assert.throws(() => byteWriter(model, { temperature: 0 }), /temperature is 0/);
  const write = byteWriter(model, { threads: 1 });
  await assert.rejects(write(params, [new Uint8Array()], 3, random(1)), /at least one byte/);
  await assert.rejects(write(params, [Uint8Array.of(1)], 3, random(1), { unit: 6, value: 0 }), /unit is 6/);
});
