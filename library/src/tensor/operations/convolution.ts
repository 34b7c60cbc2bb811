/** Convolutions in two dimensions, images as [n, channels, height, width]. */
import { describe, expression, type Operation, type Tensor } from "../tensor.ts";
import { concat, expandDims, slice, squeeze } from "./shape.ts";

export interface ConvOptions {
  /** Step of the window. Default: 1. */
  stride?: number;
  /** Zeros added on every side. Default: 0; "same" keeps height and width at stride 1 and odd kernels. */
  padding?: number | "same";
  /** Distance between the window's taps. Default: 1. */
  dilation?: number;
  /** Channels are cut into this many parts that do not see each other. Default: 1. */
  groups?: number;
}

interface ConvAttributes extends Record<string, unknown> {
  strides: [number, number];
  pads: [number, number];
  dilations: [number, number];
  groups: number;
}

const onnxAttributes = ({ strides, pads, dilations, groups }: ConvAttributes) => ({
  strides,
  pads: [...pads, ...pads],
  dilations,
  group: groups,
});

// The three products of a convolution (result, input gradient, weight gradient) are each linear in
// two of {input, weight, result}, so each one's gradients are the other two.

const convOperation: Operation = {
  name: "conv2d",
  emit: (graph, inputs, node) =>
    graph.node("Conv", inputs, onnxAttributes(node.attributes as ConvAttributes)),
  vjp: (g, node) => {
    const [x, weight] = node.inputs as [Tensor, Tensor];
    const attributes = node.attributes as ConvAttributes;
    return [inputGradient(g, weight, x.shape, attributes), weightGradient(x, g, weight.shape, attributes)];
  },
};

const inputGradientOperation: Operation = {
  name: "conv2dInputGradient",
  emit: (graph, inputs, node) => {
    const attributes = node.attributes as ConvAttributes;
    const { strides, pads, dilations } = attributes;
    const [y, weight] = node.inputs as [Tensor, Tensor];
    // What the stride left over at the far border has to be added, to arrive at the input's size.
    const missing = [0, 1].map((i) => {
      const reached =
        (y.shape[2 + i]! - 1) * strides[i]! - 2 * pads[i]! + dilations[i]! * (weight.shape[2 + i]! - 1) + 1;
      return node.shape[2 + i]! - reached;
    });
    return graph.node("ConvTranspose", inputs, { ...onnxAttributes(attributes), output_padding: missing });
  },
  vjp: (g, node) => {
    const [y, weight] = node.inputs as [Tensor, Tensor];
    const attributes = node.attributes as ConvAttributes;
    return [convolve(g, weight, y.shape, attributes), weightGradient(g, y, weight.shape, attributes)];
  },
};

const weightGradientOperation: Operation = {
  name: "conv2dWeightGradient",
  emit: (graph, [x, y], node) => {
    const { strides, pads, dilations } = node.attributes as ConvAttributes;
    const swap = { perm: [1, 0, 2, 3] };
    // Batch and channels change places: the images are then the channels that the window sums over,
    // and the result's cotangent is the window; stride and dilation change places too.
    const raw = graph.node(
      "Conv",
      [graph.node("Transpose", [x!], swap), graph.node("Transpose", [y!], swap)],
      {
        strides: dilations,
        pads: [...pads, ...pads],
        dilations: strides,
      },
    );
    const ends = graph.integers([node.shape[2]!, node.shape[3]!]);
    const cut = graph.node("Slice", [raw, graph.integers([0, 0]), ends, graph.integers([2, 3])]);
    return graph.node("Transpose", [cut], swap);
  },
  vjp: (g, node) => {
    const [x, y] = node.inputs as [Tensor, Tensor];
    const attributes = node.attributes as ConvAttributes;
    return [inputGradient(y, g, x.shape, attributes), convolve(x, g, y.shape, attributes)];
  },
};

type Shape = readonly number[];

const convolve = (x: Tensor, weight: Tensor, shape: Shape, attributes: ConvAttributes) =>
  expression(convOperation, [x, weight], shape, x.dtype, attributes);

const inputGradient = (y: Tensor, weight: Tensor, shape: Shape, attributes: ConvAttributes) =>
  expression(inputGradientOperation, [y, weight], shape, y.dtype, attributes);

function weightGradient(x: Tensor, y: Tensor, shape: Shape, attributes: ConvAttributes): Tensor {
  const { groups } = attributes;
  if (groups === 1) return expression(weightGradientOperation, [x, y], shape, x.dtype, attributes);
  const channels = shape[1]!;
  const filters = shape[0]! / groups;
  const parts = Array.from({ length: groups }, (_, i) =>
    weightGradient(
      slice(x, [null, [i * channels, (i + 1) * channels]]),
      slice(y, [null, [i * filters, (i + 1) * filters]]),
      [filters, ...shape.slice(1)],
      { ...attributes, groups: 1 },
    ),
  );
  return concat(parts);
}

/**
 * Two-dimensional convolution (as in all of deep learning: without turning the kernel).
 *
 * @param x float32 [n, channels, height, width]. The engine has no float64 kernel.
 * @param weight [filters, channels / groups, kernelHeight, kernelWidth]
 * @returns [n, filters, ⌊(height + 2·padding − dilation·(kernelHeight − 1) − 1) / stride⌋ + 1, …]
 * @throws RangeError naming the shapes if they do not fit.
 */
export function conv2d(x: Tensor, weight: Tensor, options: ConvOptions = {}): Tensor {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  if (x.shape.length !== 4 || weight.shape.length !== 4) {
    throw new RangeError(`conv2d: ${describe(x)} and ${describe(weight)}; expected four axes each`);
  }
  const [n, channels, height, width] = x.shape as [number, number, number, number];
  const [filters, channelsPerGroup, kernelHeight, kernelWidth] = weight.shape as [
    number,
    number,
    number,
    number,
  ];
  if (channels !== channelsPerGroup * groups || filters % groups !== 0) {
    throw new RangeError(
      `conv2d: ${channels} channels in ${groups} groups do not fit weight ${describe(weight)}; ` +
        `expected ${channels / groups} on its axis 1 and filters in multiples of ${groups}`,
    );
  }
  if (x.dtype !== "float32")
    throw new TypeError(`conv2d: x is ${describe(x)}; the engine convolves float32 only`);
  const same = (kernel: number) => (dilation * (kernel - 1)) / 2;
  const pads: [number, number] =
    padding === "same" ? [same(kernelHeight), same(kernelWidth)] : [padding, padding];
  if (pads.some((p) => !Number.isInteger(p))) {
    throw new RangeError(`conv2d: padding "same" needs an odd kernel, got ${kernelHeight} × ${kernelWidth}`);
  }
  const reach = (length: number, kernel: number, pad: number) =>
    Math.floor((length + 2 * pad - dilation * (kernel - 1) - 1) / stride) + 1;
  const shape = [n, filters, reach(height, kernelHeight, pads[0]), reach(width, kernelWidth, pads[1])];
  if (shape[2]! < 1 || shape[3]! < 1) {
    throw new RangeError(
      `conv2d: the window of ${describe(weight)} is larger than ${describe(x)} with padding`,
    );
  }
  return convolve(x, weight, shape, {
    strides: [stride, stride],
    pads,
    dilations: [dilation, dilation],
    groups,
  });
}

/**
 * One-dimensional convolution.
 *
 * @param x [n, channels, length]
 * @param weight [filters, channels / groups, kernel]
 */
export function conv1d(x: Tensor, weight: Tensor, { padding = 0, ...options }: ConvOptions = {}): Tensor {
  if (x.shape.length !== 3 || weight.shape.length !== 3) {
    throw new RangeError(`conv1d: ${describe(x)} and ${describe(weight)}; expected three axes each`);
  }
  const { stride = 1, dilation = 1, groups = 1 } = options;
  const kernel = weight.shape[2]!;
  const pad = padding === "same" ? (dilation * (kernel - 1)) / 2 : padding;
  const length = Math.floor((x.shape[2]! + 2 * pad - dilation * (kernel - 1) - 1) / stride) + 1;
  const y = convolve(expandDims(x, 2), expandDims(weight, 2), [x.shape[0]!, weight.shape[0]!, 1, length], {
    strides: [1, stride],
    pads: [0, pad],
    dilations: [1, dilation],
    groups,
  });
  return squeeze(y, 2);
}

/**
 * The transpose of `conv2d` with the same options: the map that its input gradient is.
 *
 * @param x [n, filters, height, width]
 * @param weight [filters, channels / groups, kernelHeight, kernelWidth], as for `conv2d`.
 * @param options.outputPadding Rows and columns added at the far border. Default: 0.
 * @returns [n, channels, (height − 1)·stride − 2·padding + dilation·(kernelHeight − 1) + 1 + outputPadding, …]
 */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  options: {
    stride?: number;
    padding?: number;
    dilation?: number;
    groups?: number;
    outputPadding?: number;
  } = {},
): Tensor {
  const { stride = 1, padding = 0, dilation = 1, groups = 1, outputPadding = 0 } = options;
  if (x.shape.length !== 4 || weight.shape.length !== 4 || x.shape[1] !== weight.shape[0]) {
    throw new RangeError(
      `convTranspose2d: ${describe(x)} and ${describe(weight)}; expected [n, filters, h, w] and [filters, channels, kh, kw]`,
    );
  }
  const reach = (i: number) =>
    (x.shape[i]! - 1) * stride - 2 * padding + dilation * (weight.shape[i]! - 1) + 1 + outputPadding;
  return inputGradient(x, weight, [x.shape[0]!, weight.shape[1]! * groups, reach(2), reach(3)], {
    strides: [stride, stride],
    pads: [padding, padding],
    dilations: [dilation, dilation],
    groups,
  });
}
