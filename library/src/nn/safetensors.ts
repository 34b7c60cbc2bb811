/**
 * Trees of tensors as safetensors files, the format that published models come in
 * (https://github.com/huggingface/safetensors): the header's length as a 64-bit integer, a JSON header that
 * gives each tensor's type, shape and place, then the values, row after row, all little-endian.
 *
 * A tensor's name is its path in the tree, joined with ".": `blocks.0.up.weight`.
 */
import {
  type DType,
  fromData,
  isTensor,
  type Shape,
  sameShape,
  showShape,
  sizeOf,
  type Tensor,
  type TypedArray,
  values,
} from "../tensor/tensor.ts";
import { mapTree } from "../tree.ts";

const typeNames: Record<DType, string> = { float64: "F64", float32: "F32", int32: "I32", bool: "BOOL" };

/** Types that are read, with the bytes of an element; those that we have not become ones that hold their values. */
const readers: Record<
  string,
  { bytes: number; read(data: Uint8Array<ArrayBuffer>, name: string): TypedArray }
> = {
  F64: { bytes: 8, read: ({ buffer }) => new Float64Array(buffer) },
  F32: { bytes: 4, read: ({ buffer }) => new Float32Array(buffer) },
  F16: { bytes: 2, read: ({ buffer }) => Float32Array.from(new Uint16Array(buffer), halfToNumber) },
  BF16: { bytes: 2, read: ({ buffer }) => brainFloats(new Uint16Array(buffer)) },
  I64: { bytes: 8, read: ({ buffer }, name) => narrowed(new BigInt64Array(buffer), name) },
  I32: { bytes: 4, read: ({ buffer }) => new Int32Array(buffer) },
  BOOL: { bytes: 1, read: (data) => data },
};

/** The reference implementation refuses longer headers too. */
const LONGEST_HEADER = 100_000_000;

/**
 * Writes a tree as a safetensors file. What is not a tensor is left out.
 *
 * @param metadata Texts to keep beside the tensors.
 * @throws RangeError if two paths give the same name.
 * @throws TypeError for an expression without a value.
 */
export function saveSafetensors(
  tree: unknown,
  metadata: Record<string, string> = {},
): Uint8Array<ArrayBuffer> {
  const entries = [...namedLeaves(tree)].map(([name, tensor]) => ({ name, tensor, data: values(tensor) }));
  // Wide elements first: every tensor then begins at a multiple of its element's size.
  entries.sort((a, b) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT || compareText(a.name, b.name));
  const header: Record<string, unknown> = Object.create(null);
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  let end = 0;
  for (const { name, tensor, data } of entries) {
    const start = end;
    end += data.byteLength;
    header[name] = { dtype: typeNames[tensor.dtype], shape: tensor.shape, data_offsets: [start, end] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  // Spaces after the header bring the values to a multiple of eight bytes.
  const length = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(8 + length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
  file.fill(0x20, 8, 8 + length);
  file.set(text, 8);
  let at = 8 + length;
  for (const { data } of entries) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}

/**
 * Reads a safetensors file into a tree of a known form, for instance a model's initial parameters.
 *
 * @param like Every tensor in it is replaced by the one of its name; anything else is kept.
 * @throws RangeError for a broken file, and for a tensor that is missing, superfluous or of another shape or type.
 */
export function loadSafetensors<T>(bytes: Uint8Array, like: T): T {
  const { tensors } = readSafetensors(bytes);
  const names = [...namedLeaves(like).keys()];
  const missing = names.filter((name) => !tensors.has(name));
  const superfluous = [...tensors.keys()].filter((name) => !names.includes(name));
  if (missing.length > 0 || superfluous.length > 0) {
    throw new RangeError(
      `loadSafetensors: the file lacks ${listed(missing)} and holds ${listed(superfluous)} that the tree has not`,
    );
  }
  return mapTree(like, (expected, i) => {
    const found = tensors.get(names[i]!)!;
    if (!sameShape(found.shape, expected.shape) || found.dtype !== expected.dtype) {
      throw new RangeError(
        `loadSafetensors: "${names[i]}" is ${found.dtype} ${showShape(found.shape)} in the file; expected ` +
          `${expected.dtype} ${showShape(expected.shape)}`,
      );
    }
    return found;
  });
}

/**
 * Reads a safetensors file as it is: tensors by name. F16 and BF16 become float32, I64 becomes int32.
 *
 * @throws RangeError saying what is wrong with a broken file, or a type that is not supported.
 */
export function readSafetensors(bytes: Uint8Array): {
  tensors: Map<string, Tensor>;
  metadata: Record<string, string>;
} {
  // A Buffer's slice is a view of its pool, a plain array's is a copy that values can be read from.
  const { header, data } = cutFile(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const { __metadata__: metadata = {}, ...rest } = header;
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === "string"))
    fail("__metadata__ must map texts to texts");
  const tensors = new Map<string, Tensor>();
  const entries = Object.entries(rest).map(([name, entry]) => checkedEntry(name, entry, data.length));
  // The values must be covered without gaps or overlaps, so that a file cannot claim more than it holds.
  let end = 0;
  for (const { name, begin, stop } of entries.toSorted((a, b) => a.begin - b.begin || a.stop - b.stop)) {
    if (begin !== end)
      fail(`"${name}" begins at ${begin} where ${end} is expected; values must not overlap or leave gaps`);
    end = stop;
  }
  if (end !== data.length) fail(`${data.length - end} bytes after the last tensor belong to none`);
  for (const { name, type, shape, begin, stop } of entries) {
    const array = readers[type]!.read(data.slice(begin, stop), name);
    tensors.set(name, fromData(array, shape));
  }
  return { tensors, metadata: metadata as Record<string, string> };
}

/** Tensors by path, in the order of `leaves`. */
function namedLeaves(tree: unknown, path = "", found = new Map<string, Tensor>()): Map<string, Tensor> {
  if (isTensor(tree)) {
    const name = path === "" ? "tensor" : path;
    if (found.has(name) || name === "__metadata__")
      throw new RangeError(
        `safetensors: the name "${name}" is given twice or reserved; rename a key of the tree`,
      );
    found.set(name, tree);
  } else if (Array.isArray(tree) || (isRecord(tree) && isPlain(tree))) {
    for (const [key, branch] of Object.entries(tree))
      namedLeaves(branch, path === "" ? key : `${path}.${key}`, found);
  }
  return found;
}

function cutFile(bytes: Uint8Array): { header: Record<string, unknown>; data: Uint8Array } {
  if (bytes.length < 8) fail(`${bytes.length} bytes are too few for a header`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  if (length > LONGEST_HEADER || length > bytes.length - 8)
    fail(`the header claims ${length} bytes of a file of ${bytes.length}`);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, 8 + length)));
  } catch (error) {
    fail(`the header is no JSON: ${(error as Error).message}`);
  }
  if (bytes[8] !== 0x7b || !isRecord(header)) fail("the header must be a JSON object");
  return { header: header as Record<string, unknown>, data: bytes.subarray(8 + length) };
}

function checkedEntry(name: string, entry: unknown, limit: number) {
  const { dtype, shape, data_offsets: offsets } = isRecord(entry) ? entry : {};
  if (!isCounts(shape) || !isCounts(offsets) || offsets.length !== 2)
    fail(`"${name}" must have a shape and two data_offsets of whole numbers`);
  const reader = typeof dtype === "string" && Object.hasOwn(readers, dtype) ? readers[dtype] : undefined;
  if (!reader)
    fail(`"${name}" has dtype ${JSON.stringify(dtype)}; supported are ${Object.keys(readers).join(", ")}`);
  const [begin, stop] = offsets as [number, number];
  if (begin > stop || stop > limit) fail(`"${name}" lies at ${begin} to ${stop} of ${limit} bytes`);
  const expected = sizeOf(shape as Shape) * reader!.bytes;
  if (stop - begin !== expected)
    fail(`"${name}" has ${stop - begin} bytes; ${dtype} ${showShape(shape as Shape)} needs ${expected}`);
  return { name, type: dtype as string, shape: shape as Shape, begin, stop };
}

function fail(problem: string): never {
  throw new RangeError(`safetensors: ${problem}`);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether `leaves` looks into an object: class instances are not trees. */
const isPlain = (value: object): boolean => {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const listed = (names: readonly string[]): string =>
  names.length === 0
    ? "nothing"
    : names
        .slice(0, 5)
        .map((name) => `"${name}"`)
        .join(", ") + (names.length > 5 ? ", …" : "");

/** IEEE 754 half precision: one bit of sign, five of exponent, ten of fraction. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The upper halves of single-precision numbers. */
function brainFloats(halves: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
}

function narrowed(integers: BigInt64Array, name: string): Int32Array {
  return Int32Array.from(integers, (value) => {
    const narrow = Number(BigInt.asIntN(32, value));
    if (BigInt(narrow) !== value) fail(`"${name}" holds ${value}, which int32 cannot`);
    return narrow;
  });
}
