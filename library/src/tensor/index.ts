export * from "./gradient.ts";
export * from "./operations/index.ts";
export {
  type DType,
  fromData,
  item,
  type Shape,
  scalar,
  type Tensor,
  type TensorLike,
  type TypedArray,
  tensor,
  values,
} from "./tensor.ts";
