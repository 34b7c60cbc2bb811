import type { Card } from "../card.ts";

export const card: Card = {
  number: 149,
  slug: "id-ood-inverse",
  title: "ID and OOD Performance Are Sometimes Inversely Correlated on Real-world Datasets",
  year: 2022,
  family: "theory",
  kind: "diagnostic",
  arxiv: "2209.00613",
  link: "https://arxiv.org/abs/2209.00613",
  summary:
    "The paper asks how accuracy on in-distribution test data relates to accuracy under shift over a pool of models. It gives Gaussian examples with an invariant and a spurious feature in which the two accuracies move in opposite directions. On real data it compares pools of standard training runs with pools trained jointly under a diversity penalty on input gradients, so that the models use different features.",
  claim:
    "In-distribution and out-of-distribution accuracy are negatively related for some real datasets. Pools that contain only standard training runs hide this, while pools with diversity-trained models reveal it. Selecting by in-distribution accuracy then misses the model with the best out-of-distribution accuracy.",
  formula: String.raw`\mathrm{acc}_{ID}=\Phi(a\cos\theta+b\sin\theta),\qquad \mathrm{acc}_{OOD}=\Phi(a\cos\theta-b\sin\theta)`,
  exports: ["idOodScatter", "spuriousGaussians", "mnistCollage", "inputGradientOrthogonality"],
};
