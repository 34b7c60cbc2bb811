import type { Card } from "../card.ts";

export const card: Card = {
  number: 31,
  slug: "w-mse",
  title: "Whitening for Self-Supervised Representation Learning",
  year: 2020,
  family: "contrastive",
  kind: "objective",
  arxiv: "2007.06346",
  link: "https://arxiv.org/abs/2007.06346",
  code: "https://github.com/htdt/self-supervised",
  summary:
    "Embeddings of several augmented views are whitened in random sub-batches by the inverse Cholesky factor of their covariance. The loss is then only the squared distance between normalised embeddings of the same image, averaged over view pairs. The whitening forbids a constant solution, so no negatives, momentum network or predictor is required.",
  claim:
    "Whitening the batch and pulling positives together avoids the collapse of a plain MSE between views, with neither negatives nor an asymmetric network. Given several positives per image, its linear-probe and 5-nearest-neighbour accuracy equals or exceeds that of contrastive learning.",
  formula: String.raw`\mathcal L=\frac{2}{d(d-1)}\sum_{a<b}\left(2-2\,\overline{\cos(v^a,v^b)}\right),\qquad v=L^{-1}(h-\mu),\quad LL^\top=\Sigma`,
  exports: [
    "nn/whitening: gramSchmidtWhiten",
    "nn/whitening: newtonSchulzWhiten",
    "losses/contrastive: wmse",
    "losses/contrastive: normMse",
    "data/augment: mnistViews",
  ],
};
