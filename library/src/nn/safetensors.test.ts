import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { add, fromData, scalar, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { leaves } from "../tree.ts";
import { loadSafetensors, readSafetensors, saveSafetensors, transformerEncoder } from "./index.ts";

/** A file by hand, from any header and values. */
function fileOf(header: unknown, data: ArrayLike<number> = []): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + data.length);
  new DataView(file.buffer).setUint32(0, text.length, true);
  file.set(text, 8);
  file.set(Array.from(data), 8 + text.length);
  return file;
}

test("the bytes are those of the format, written out by hand", () => {
  const bytes = saveSafetensors({ b: tensor([1, 2]), a: [tensor([true, false])] }, { kind: "test" });
  const header =
    '{"__metadata__":{"kind":"test"},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},' +
    '"a.0":{"dtype":"BOOL","shape":[2],"data_offsets":[8,10]}}';
  const padded = header.padEnd(Math.ceil(header.length / 8) * 8, " ");
  assert.equal(new DataView(bytes.buffer).getBigUint64(0, true), BigInt(padded.length));
  assert.equal(new TextDecoder().decode(bytes.subarray(8, 8 + padded.length)), padded);
  assert.deepEqual([...bytes.subarray(8 + padded.length)], [0, 0, 128, 63, 0, 0, 0, 64, 1, 0]);
});

test("a model's parameters come back bit for bit, every type, scalars and empty tensors too", () => {
  const model = transformerEncoder({ width: 8, heads: 2, layers: 2 });
  const state = {
    params: model.init(random(1)),
    step: scalar(7),
    ids: tensor(Int32Array.of(-1, 2 ** 31 - 1)),
    mask: tensor([true, false, true]),
    doubles: fromData(Float64Array.of(Math.PI, Number.NaN, -0, Infinity), [2, 2]),
    none: fromData(new Float32Array(0), [0, 3]),
    note: "kept",
  };
  const bytes = saveSafetensors(state);
  const like = { ...state, params: model.init(random(2)), note: "of the form" };
  const loaded = loadSafetensors(bytes, like);
  assert.equal(loaded.note, "of the form");
  const [before, after] = [leaves(state), leaves(loaded)];
  assert.equal(after.length, before.length);
  after.forEach((x, i) => {
    assert.deepEqual(x.shape, before[i]!.shape);
    assert.equal(x.dtype, before[i]!.dtype);
    assert.deepEqual(values(x), values(before[i]!));
  });
  assert.ok(readSafetensors(bytes).tensors.has("params.blocks.1.attention.query.weight"));
  assert.deepEqual(values(loadSafetensors(saveSafetensors(scalar(3)), scalar(0))), Float32Array.of(3));
  assert.deepEqual(readSafetensors(saveSafetensors({}, { a: "b" })).metadata, { a: "b" });
});

test("every tensor begins at a multiple of its element's size, wherever the file lies in memory", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom("float32", "float64", "int32", "bool"), fc.nat(5)), { maxLength: 8 }),
      (parts) => {
        const tree = parts.map(([dtype, length]) =>
          tensor(Array(length).fill(1), { dtype: dtype as "bool", shape: [length] }),
        );
        const bytes = saveSafetensors(tree);
        const length = new DataView(bytes.buffer).getUint32(0, true);
        const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
        for (const [i, x] of tree.entries())
          assert.equal((8 + length + header[i].data_offsets[0]) % values(x).BYTES_PER_ELEMENT, 0);
        const shifted = new Uint8Array(bytes.length + 3).subarray(3);
        shifted.set(bytes);
        assert.deepEqual(
          leaves(loadSafetensors(shifted, tree)).map((x) => values(x)),
          tree.map((x) => values(x)),
        );
      },
    ),
  );
});

test("half precision, brain floats and long integers of published models are read", () => {
  const header = {
    half: { dtype: "F16", shape: [6], data_offsets: [0, 12] },
    brain: { dtype: "BF16", shape: [2], data_offsets: [12, 16] },
    long: { dtype: "I64", shape: [1], data_offsets: [16, 24] },
  };
  const halves = [0x3c00, 0xc000, 0x0001, 0x7bff, 0xfc00, 0x3555].flatMap((h) => [h & 255, h >> 8]);
  const { tensors } = readSafetensors(
    fileOf(header, [...halves, 0x80, 0x3f, 0x49, 0xc0, 0xfe, 255, 255, 255, 255, 255, 255, 255]),
  );
  assert.deepEqual([...values(tensors.get("half")!)], [1, -2, 2 ** -24, 65504, -Infinity, 0.333251953125]);
  assert.deepEqual([...values(tensors.get("brain")!)], [1, -3.140625]);
  assert.deepEqual([...values(tensors.get("long")!)], [-2]);
  const large = { x: { dtype: "I64", shape: [1], data_offsets: [0, 8] } };
  assert.throws(
    () => readSafetensors(fileOf(large, [0, 0, 0, 0, 1, 0, 0, 0])),
    /"x" holds 4294967296, which int32 cannot/,
  );
});

test("broken files are refused with the reason", () => {
  const one = (entry: object, data: number[] = [0, 0, 0, 0]) =>
    fileOf({ w: { dtype: "F32", shape: [1], data_offsets: [0, 4], ...entry } }, data);
  assert.doesNotThrow(() => readSafetensors(one({})));
  const long = fileOf("{}");
  new DataView(long.buffer).setBigUint64(0, 2n ** 63n, true);
  const tooShort = fileOf("{}");
  tooShort[0] = 8;
  const cases: [Uint8Array, RegExp][] = [
    [new Uint8Array(3), /3 bytes are too few/],
    [tooShort, /the header claims 8 bytes of a file of 10/],
    [long, /the header claims .* bytes of a file of 10/],
    [one({}).subarray(0, 40), /the header claims/],
    [fileOf("{nonsense"), /the header is no JSON/],
    [fileOf("[]"), /must be a JSON object/],
    [fileOf(' {"a":1}'), /must be a JSON object/],
    [fileOf({ w: 3 }), /"w" must have a shape/],
    [one({ shape: [-1] }), /"w" must have a shape/],
    [one({ shape: "1" }), /"w" must have a shape/],
    [one({ data_offsets: [0] }), /two data_offsets/],
    [one({ data_offsets: [0, 8] }), /lies at 0 to 8 of 4 bytes/],
    [one({ data_offsets: [4, 0] }), /lies at 4 to 0/],
    [one({ shape: [2] }), /has 4 bytes; F32 \[2\] needs 8/],
    [one({ dtype: "F8_E4M3" }), /dtype "F8_E4M3"; supported are F64, F32/],
    [one({ dtype: "toString" }), /dtype "toString"/],
    [one({}, [0, 0, 0, 0, 0]), /1 bytes after the last tensor/],
    [one({ data_offsets: [1, 5] }, [0, 0, 0, 0, 0]), /begins at 1 where 0 is expected/],
    [
      fileOf(
        {
          a: { dtype: "F32", shape: [1], data_offsets: [0, 4] },
          b: { dtype: "F32", shape: [1], data_offsets: [0, 4] },
        },
        [0, 0, 0, 0],
      ),
      /begins at 0 where 4 is expected/,
    ],
    [fileOf({ __metadata__: { a: 1 } }), /__metadata__ must map texts to texts/],
    [fileOf('{"a\u0001":1}'), /no JSON/],
  ];
  for (const [file, reason] of cases)
    assert.throws(
      () => readSafetensors(file),
      (error: Error) => error instanceof RangeError && reason.test(error.message),
      String(reason),
    );
});

test("no damaged file throws anything but a RangeError, or reads outside of itself", () => {
  const good = saveSafetensors({ a: tensor([1, 2, 3]), b: { c: tensor([[true]]) } }, { x: "y" });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 })), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.nat(good.length),
      (changes, cut) => {
        const bytes = good.slice(0, cut < 20 ? good.length - cut : good.length);
        for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
        try {
          readSafetensors(bytes);
        } catch (error) {
          assert.ok(error instanceof RangeError && error.message.startsWith("safetensors: "), String(error));
        }
      },
    ),
    { numRuns: 3000 },
  );
});

test("a file and a tree that do not fit are told apart by name, shape and type", () => {
  const bytes = saveSafetensors({ a: tensor([1, 2]), b: tensor([3]) });
  assert.throws(
    () => loadSafetensors(bytes, { a: tensor([0, 0]), c: tensor([0]) }),
    /lacks "c" and holds "b"/,
  );
  assert.throws(
    () => loadSafetensors(bytes, { a: tensor([[0, 0]]), b: tensor([0]) }),
    /"a" is float32 \[2\] in the file; expected float32 \[1, 2\]/,
  );
  assert.throws(
    () => loadSafetensors(bytes, { a: tensor([0, 0], { dtype: "float64" }), b: tensor([0]) }),
    /expected float64/,
  );
  assert.throws(() => saveSafetensors({ "a.b": tensor([1]), a: { b: tensor([1]) } }), /"a.b" is given twice/);
  assert.throws(() => saveSafetensors({ a: add(tensor([1]), 1) }), /expression without a value/);
});

test("values that are a part of a larger array are written alone", () => {
  const part = fromData(Float32Array.of(1, 2, 3, 4).subarray(2), [2]);
  assert.deepEqual(values(loadSafetensors(saveSafetensors(part), part)), Float32Array.of(3, 4));
});

test("a key named __proto__ is a tensor like any other", () => {
  const tree = JSON.parse('{"__proto__": 1}');
  Object.defineProperty(tree, "__proto__", { value: tensor([5]), enumerable: true, configurable: true });
  const { tensors } = readSafetensors(saveSafetensors(tree));
  assert.deepEqual([...values(tensors.get("__proto__")!)], [5]);
});

test("the bytes may be a Buffer that lies in a larger pool", () => {
  const weights = tensor([1.5, -2, 3]);
  const bytes = saveSafetensors({ weights });
  // As files are read: odd offsets into shared memory, and a slice that does not copy.
  const pool = Buffer.alloc(bytes.length + 64, 7);
  pool.set(bytes, 13);
  const { tensors } = readSafetensors(pool.subarray(13, 13 + bytes.length));
  assert.deepEqual(values(tensors.get("weights")!), values(weights));
});
