import { expression, type Operation, type Tensor } from "../tensor.ts";

const stopOperation: Operation = { name: "stopGradient", emit: (_graph, [x]) => x! };

/** The value of x, through which no gradient flows. */
export const stopGradient = (x: Tensor): Tensor => expression(stopOperation, [x], x.shape, x.dtype);
