import type { Card } from "../card.ts";

export const card: Card = {
  number: 171,
  slug: "filter-normalized-landscape",
  title: "Visualizing the Loss Landscape of Neural Nets",
  year: 2017,
  family: "theory",
  kind: "diagnostic",
  arxiv: "1712.09913",
  link: "https://arxiv.org/abs/1712.09913",
  code: "https://github.com/tomgoldstein/loss-landscape",
  summary:
    "Loss surfaces around trained weights are plotted along one or two random directions, each filter of which is rescaled so that its norm equals that of the corresponding network filter. Biases and normalisation parameters are left unmoved. Training paths are shown in the plane of the first two principal components of the checkpoints, and ratios of extreme Hessian eigenvalues tell where the surface is not convex.",
  claim:
    "Plots along raw random directions mislead, since ReLU networks can be rescaled without changing their function. With filter normalisation, apparent sharpness follows the test error when batch size and weight decay vary. Very deep networks without skip connections have chaotic, non-convex surroundings, and skip connections make them close to convex.",
  formula: String.raw`d_{i,j}\leftarrow\frac{d_{i,j}}{\lVert d_{i,j}\rVert_F}\,\lVert\theta_{i,j}\rVert_F,\qquad f(\alpha,\beta)=L(\theta^*+\alpha\,\delta+\beta\,\eta)`,
  exports: [
    "diagnostics/landscape: randomDirection",
    "diagnostics/landscape: normalizeDirection",
    "diagnostics/landscape: lossSlice1D",
    "diagnostics/landscape: lossSurface2D",
    "diagnostics/landscape: pcaTrajectory",
    "diagnostics/landscape: projectedHessian2D",
    "diagnostics/hessian: hvp",
    "diagnostics/hessian: lanczosExtremes",
  ],
};
