export { setBackend } from "./backend.ts";
export { type CompileOptions, compile, evaluate, toOnnx } from "./compile.ts";
export { OPSET } from "./onnx.ts";
