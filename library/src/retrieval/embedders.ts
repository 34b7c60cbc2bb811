/**
 * What turns texts into vectors, each as an `Embedder`: an encoder of this library, vectors that exist already,
 * an ONNX file with its tokenizer, a published model. A function of one's own is an embedder as it is.
 */
import type { InferenceSession } from "onnxruntime-common";
import { backend } from "../runtime/backend.ts";
import type { TypedArray } from "../tensor/index.ts";
import type { Tokenizer } from "../text/tokenizers.ts";
import { encodeTexts, type StaticEncoder } from "./static-encoder.ts";
import { type Embedder, type Vectors, vectors } from "./vectors.ts";

/** An encoder of this library as an embedder. */
export const staticEmbedder =
  (encoder: StaticEncoder): Embedder =>
  (texts) =>
    encodeTexts(encoder, texts);

/**
 * Vectors that exist already, looked up by their texts.
 *
 * @param texts one for each row
 * @throws RangeError (the embedder) for a text without a vector
 */
export function vectorEmbedder(texts: readonly string[], rows: Vectors): Embedder {
  if (texts.length !== rows.count)
    throw new RangeError(
      `vectorEmbedder: ${rows.count} vectors for ${texts.length} texts; expected one each`,
    );
  const number = new Map(texts.map((text, row) => [text, row]));
  return (wanted) => {
    const { width } = rows;
    const data = new Float32Array(wanted.length * width);
    wanted.forEach((text, i) => {
      const row = number.get(text);
      if (row === undefined)
        throw new RangeError(`vectorEmbedder: no vector is known for ${JSON.stringify(text.slice(0, 80))}`);
      data.set(rows.data.subarray(row * width, (row + 1) * width), i * width);
    });
    return vectors(data, width);
  };
}

export interface OnnxEmbedderOptions {
  /** The model's own tokenizer, for instance `publishedTokenizer` of its tokenizer.json. */
  tokenizer: Tokenizer;
  /** How vectors of tokens become one: their "mean" (default) or the "first", where a model gives those. */
  pooling?: "mean" | "first";
  /** Longer texts are cut. Default: what the graph takes, or 512. */
  maxTokens?: number;
  /** Texts in a run, where the graph leaves it open. Default 32. */
  batchSize?: number;
  /** Names of the graph's inputs. Default: "input_ids" and "attention_mask", else its first and second. */
  ids?: string;
  mask?: string;
  /** Name of its output. Default: "sentence_embedding" or "last_hidden_state", else its first. */
  output?: string;
  /** Default: the engine's own choice. */
  threads?: number;
}

/**
 * An ONNX model as an embedder: token numbers and a mask in, [texts, width] or [texts, tokens, width] out.
 * Token types, where a model asks for them, are all 0.
 *
 * @param model the bytes of the file
 * @throws RangeError where the graph has not the inputs and outputs that are expected
 */
export async function onnxEmbedder(model: Uint8Array, options: OnnxEmbedderOptions): Promise<Embedder> {
  const { tokenizer, pooling = "mean", batchSize = 32, threads } = options;
  const ort = await backend();
  const session = await ort.InferenceSession.create(model, {
    logSeverityLevel: 3,
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
  });
  const { ids, mask, types, output } = portsOf(session, options);
  const [fixedBatch, fixedLength] = [ids.shape[0], ids.shape[1]].map((size) =>
    typeof size === "number" && size > 0 ? size : undefined,
  );
  const longest = Math.min(options.maxTokens ?? fixedLength ?? 512, fixedLength ?? Number.POSITIVE_INFINITY);
  const batch = fixedBatch ?? batchSize;

  const run = async (list: readonly Int32Array[]): Promise<Vectors> => {
    const length = fixedLength ?? Math.max(1, ...list.map((tokens) => tokens.length));
    const shape = [batch, length];
    const filled = (port: Port, value: (text: number, place: number) => number) => {
      const data = arrayOf(port.type, batch * length);
      list.forEach((tokens, text) => {
        for (let place = 0; place < tokens.length; place++)
          data[text * length + place] = (
            data instanceof BigInt64Array ? BigInt(value(text, place)) : value(text, place)
          ) as never;
      });
      return new ort.Tensor(port.type, data as TypedArray, shape);
    };
    const feeds = {
      [ids.name]: filled(ids, (text, place) => list[text]![place]!),
      ...(mask && { [mask.name]: filled(mask, () => 1) }),
      ...(types && { [types.name]: filled(types, () => 0) }),
    };
    const result = (await session.run(feeds))[output]!;
    const { dims } = result;
    const data = result.data as Float32Array;
    if (dims.length === 2) return vectors(data.slice(0, list.length * dims[1]!), dims[1]!);
    if (dims.length === 3) return pooled(data, dims[1]!, dims[2]!, list, pooling);
    throw new RangeError(`onnxEmbedder: output "${output}" has ${dims.length} axes; expected 2 or 3`);
  };
  return async (texts) => {
    const parts: Vectors[] = [];
    for (let start = 0; start < texts.length; start += batch)
      parts.push(
        await run(
          texts.slice(start, start + batch).map((text) => tokenizer.encode(text).subarray(0, longest)),
        ),
      );
    return joined(parts);
  };
}

interface Port {
  name: string;
  type: string;
  shape: readonly (number | string)[];
}

function portsOf(session: InferenceSession, wanted: OnnxEmbedderOptions) {
  const ports = session.inputMetadata.flatMap((input): Port[] =>
    input.isTensor ? [{ name: input.name, type: input.type, shape: input.shape }] : [],
  );
  const named = (name: string) => ports.find((port) => port.name === name);
  const asked = (option: "ids" | "mask") => {
    const name = wanted[option];
    if (name === undefined || named(name)) return name === undefined ? undefined : named(name);
    throw new RangeError(
      `onnxEmbedder: ${option} is "${name}"; expected one of ${ports.map((port) => `"${port.name}"`).join(", ")}`,
    );
  };
  const types = named("token_type_ids");
  const ids = asked("ids") ?? named("input_ids") ?? ports[0];
  if (ids?.shape.length !== 2)
    throw new RangeError("onnxEmbedder: the graph has no input of token numbers [texts, tokens]");
  const rest = ports.filter((port) => port !== ids && port !== types);
  const mask = asked("mask") ?? named("attention_mask") ?? rest[0];
  const output =
    wanted.output ??
    ["sentence_embedding", "last_hidden_state"].find((name) => session.outputNames.includes(name)) ??
    session.outputNames[0]!;
  if (!session.outputNames.includes(output))
    throw new RangeError(
      `onnxEmbedder: output is "${output}"; expected one of ${session.outputNames.map((name) => `"${name}"`).join(", ")}`,
    );
  const unknown = rest.find((port) => port !== mask);
  if (unknown)
    throw new RangeError(
      `onnxEmbedder: the graph asks for an input "${unknown.name}" that is not known here`,
    );
  return { ids, mask, types, output };
}

function arrayOf(type: string, length: number) {
  if (type === "int64") return new BigInt64Array(length);
  if (type === "int32") return new Int32Array(length);
  if (type === "float32") return new Float32Array(length);
  if (type === "bool") return new Uint8Array(length);
  throw new RangeError(`onnxEmbedder: an input is of type ${type}; expected int64, int32, float32 or bool`);
}

/** Vectors of tokens [texts, length, width] as one a text; padding is left out. */
function pooled(
  data: Float32Array,
  length: number,
  width: number,
  list: readonly Int32Array[],
  pooling: "mean" | "first",
): Vectors {
  const out = new Float32Array(list.length * width);
  list.forEach((tokens, text) => {
    const taken = pooling === "first" ? 1 : Math.max(1, tokens.length);
    for (let place = 0; place < taken; place++)
      for (let i = 0; i < width; i++)
        out[text * width + i]! += data[(text * length + place) * width + i]! / taken;
  });
  return vectors(out, width);
}

function joined(parts: readonly Vectors[]): Vectors {
  const width = parts[0]?.width ?? 1;
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return vectors(data, width);
}

/** What is used of `@huggingface/transformers`. */
export interface Transformers {
  pipeline(
    task: "feature-extraction",
    model: string,
    options?: Record<string, unknown>,
  ): Promise<
    (
      texts: string[],
      options: { pooling: string; normalize: boolean },
    ) => Promise<FeatureTensor> | FeatureTensor
  >;
}

interface FeatureTensor {
  data: ArrayLike<number>;
  dims: readonly number[];
}

export interface PublishedEmbedderOptions {
  /** "mean" (default) or "cls", as the model's card says. */
  pooling?: "mean" | "cls";
  /** Texts in a run. Default 32. */
  batchSize?: number;
  /** Handed to `pipeline`, for instance `{ dtype: "q8" }`. */
  pipeline?: Record<string, unknown>;
  /** The module, for bundlers and other builds of it. Default: it is imported. */
  transformers?: Transformers;
}

/**
 * A published model by its id, for instance "Xenova/all-MiniLM-L6-v2", through `@huggingface/transformers`,
 * which is installed apart and downloads the model.
 *
 * @throws Error saying how to install it where it is absent
 */
export async function publishedEmbedder(
  id: string,
  { pooling = "mean", batchSize = 32, pipeline = {}, transformers }: PublishedEmbedderOptions = {},
): Promise<Embedder> {
  const module = transformers ?? (await importTransformers(id));
  const extract = await module.pipeline("feature-extraction", id, pipeline);
  return async (texts) => {
    const parts: Vectors[] = [];
    for (let start = 0; start < texts.length; start += batchSize) {
      const { data, dims } = await extract(texts.slice(start, start + batchSize), {
        pooling,
        normalize: false,
      });
      parts.push(vectors(Float32Array.from(data), dims.at(-1)!));
    }
    return joined(parts);
  };
}

async function importTransformers(id: string): Promise<Transformers> {
  // A variable, so that neither the compiler nor a bundler asks for a package that is optional.
  const name = "@huggingface/transformers";
  try {
    return await import(name);
  } catch (cause) {
    throw new Error(
      `publishedEmbedder: "${id}" needs ${name}, which is not installed; npm install ${name} installs it`,
      { cause },
    );
  }
}
