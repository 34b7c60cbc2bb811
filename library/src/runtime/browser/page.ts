/** What the test page runs: the library on onnxruntime-web. */
import * as ort from "onnxruntime-web/wasm";
import { setBackend } from "../backend.ts";
import { trainDigits } from "./digits.ts";

ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = "/ort/";
setBackend(ort);

Object.assign(globalThis, {
  train: (images: number[], labels: number[]) =>
    trainDigits(Float32Array.from(images), Int32Array.from(labels), { device: "wasm" }),
});
