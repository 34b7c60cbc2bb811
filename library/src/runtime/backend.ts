/** The engine: ONNX Runtime, by default the native one for Node, loaded when first needed. */
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-common";
import type { TypedArray } from "../tensor/tensor.ts";

/** What we use of onnxruntime-node and onnxruntime-web, which share this interface. */
export interface OrtModule {
  InferenceSession: {
    create(model: Uint8Array, options?: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  /** The execution providers of this build, where it can tell (the native one can). */
  listSupportedBackends?(): { name: string }[];
  Tensor: new (type: string, data: TypedArray, dims: readonly number[]) => OrtTensor;
}

let loaded: Promise<OrtModule> | undefined;

/**
 * Uses another build of ONNX Runtime, for instance onnxruntime-web in a browser. Call it before the
 * first `compile`d function runs.
 */
export function setBackend(ort: unknown): void {
  loaded = Promise.resolve(ort as OrtModule);
}

export function backend(): Promise<OrtModule> {
  loaded ??= import("onnxruntime-node").then((module) => (module.default ?? module) as unknown as OrtModule);
  return loaded;
}
