import { expression, type Operation, type Tensor } from "../tensor.ts";
import { elementwise } from "./batch.ts";

const stopOperation: Operation = { name: "stopGradient", emit: (_graph, [x]) => x!, batch: elementwise };

/** The value of x, through which no gradient flows. */
export const stopGradient = (x: Tensor): Tensor => expression(stopOperation, [x], x.shape, x.dtype);
