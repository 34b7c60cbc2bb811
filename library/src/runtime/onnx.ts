/**
 * Writes ONNX models in their protobuf form. Field numbers are those of onnx.proto; only the parts
 * that graphs of ours use are here.
 */
import protobuf from "protobufjs/minimal.js";
import type { Attribute, DType, Shape, TypedArray } from "../tensor/tensor.ts";

const { Writer } = protobuf;
type Writer = InstanceType<typeof Writer>;

/** The version of the standard operator set that every graph uses. */
export const OPSET = 20;
const IR_VERSION = 9;

export const elementTypes = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 } as const;

export interface Initializer {
  name: string;
  type: DType | "int64";
  shape: Shape;
  bytes: Uint8Array;
}

export interface OnnxNode {
  type: string;
  inputs: string[];
  outputs: string[];
  attributes: Record<string, Attribute>;
}

export interface GraphPort {
  name: string;
  dtype: DType;
  shape: Shape;
}

export interface OnnxGraph {
  nodes: OnnxNode[];
  initializers: Initializer[];
  inputs: GraphPort[];
  outputs: GraphPort[];
}

const LENGTH_DELIMITED = 2;
const VARINT = 0;
const FIXED32 = 5;
const tag = (field: number, wire: number) => (field << 3) | wire;

const nested = (writer: Writer, field: number, write: (inner: Writer) => void) => {
  const inner = writer.uint32(tag(field, LENGTH_DELIMITED)).fork();
  write(inner);
  inner.ldelim();
};
const text = (writer: Writer, field: number, value: string) =>
  writer.uint32(tag(field, LENGTH_DELIMITED)).string(value);
const integer = (writer: Writer, field: number, value: number) =>
  writer.uint32(tag(field, VARINT)).int64(value);

function writeAttribute(writer: Writer, name: string, value: Attribute): void {
  text(writer, 1, name);
  if (typeof value === "number") {
    integer(writer, 3, value);
    integer(writer, 20, 2);
  } else if (typeof value === "string") {
    text(writer, 4, value);
    integer(writer, 20, 3);
  } else if (Array.isArray(value)) {
    for (const item of value) integer(writer, 8, item);
    integer(writer, 20, 7);
  } else {
    writer.uint32(tag(2, FIXED32)).float((value as { float: number }).float);
    integer(writer, 20, 1);
  }
}

function writePort(writer: Writer, { name, dtype, shape }: GraphPort): void {
  text(writer, 1, name);
  nested(writer, 2, (type) =>
    nested(type, 1, (tensorType) => {
      integer(tensorType, 1, elementTypes[dtype]);
      nested(tensorType, 2, (shapeWriter) => {
        for (const length of shape) nested(shapeWriter, 1, (dimension) => integer(dimension, 1, length));
      });
    }),
  );
}

/** The bytes of an ONNX model with one graph. */
export function encodeModel(graph: OnnxGraph): Uint8Array {
  const writer = Writer.create();
  integer(writer, 1, IR_VERSION);
  text(writer, 2, "nearmiss");
  nested(writer, 7, (g) => {
    for (const node of graph.nodes) {
      nested(g, 1, (n) => {
        for (const name of node.inputs) text(n, 1, name);
        for (const name of node.outputs) text(n, 2, name);
        text(n, 4, node.type);
        for (const [name, value] of Object.entries(node.attributes)) {
          nested(n, 5, (a) => writeAttribute(a, name, value));
        }
      });
    }
    text(g, 2, "nearmiss");
    for (const { name, type, shape, bytes } of graph.initializers) {
      nested(g, 5, (t) => {
        for (const length of shape) integer(t, 1, length);
        integer(t, 2, elementTypes[type]);
        text(t, 8, name);
        t.uint32(tag(9, LENGTH_DELIMITED)).bytes(bytes);
      });
    }
    for (const port of graph.inputs) nested(g, 11, (p) => writePort(p, port));
    for (const port of graph.outputs) nested(g, 12, (p) => writePort(p, port));
  });
  nested(writer, 8, (opset) => {
    text(opset, 1, "");
    integer(opset, 2, OPSET);
  });
  return writer.finish();
}

/** The little-endian bytes of an array, as ONNX stores them. */
export const bytesOf = (data: TypedArray | BigInt64Array): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
