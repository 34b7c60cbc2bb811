export * from "./gradient.ts";
export * from "./operations/index.ts";
export {
  type DType,
  fromData,
  isTensor,
  item,
  type Shape,
  scalar,
  sizeOf,
  type Tensor,
  type TensorLike,
  type TypedArray,
  tensor,
  values,
} from "./tensor.ts";
export { perExampleGrad, vmap } from "./vmap.ts";
