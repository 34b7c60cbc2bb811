import type { Card } from "../card.ts";

export const card: Card = {
  number: 5,
  slug: "known-body-uncertainty",
  title: "Body Knowledge and Uncertainty Modeling for Monocular 3D Human Body Reconstruction",
  year: 2023,
  family: "uncertainty",
  kind: "algorithm",
  arxiv: "2308.00799",
  link: "https://arxiv.org/abs/2308.00799",
  summary:
    "A single-view regressor of 3-D body pose and shape is trained on 2-D keypoints alone, with penalties for joint limits, body proportions and self-penetration in place of 3-D labels. Each keypoint carries a predicted scale in a robust likelihood, so that inconsistent labels weigh less. A second phase samples training images in proportion to the model's epistemic uncertainty.",
  claim:
    "Generic anatomical constraints plus 2-D keypoints train a 3-D body regressor with lower per-joint error than reprojection alone or a Gaussian pose prior. Replacing the MSE by a robust heteroscedastic likelihood lowers the error when keypoint labels conflict. A further phase that samples by epistemic uncertainty lowers it again, mostly on rare poses.",
  formula: String.raw`\mathcal L=\mathcal L_{\text{NLL}}+\lambda_{\text{lim}}\mathcal L_{\text{lim}}+\lambda_{\text{anthro}}\mathcal L_{\text{anthro}}+\lambda_{\text{pen}}\mathcal L_{\text{pen}},\quad w_i\propto u_i^{\text{epi}}`,
  exports: [
    "losses/regression: gaussianNll",
    "losses/regression: laplaceNll",
    "losses/regression: studentTNll",
    "perception/body: kinematicTree",
    "perception/body: forwardKinematics",
    "perception/body: jointLimitPenalty",
    "perception/body: boneRatioPenalty",
    "perception/body: capsulePenetration",
    "uncertainty/ensemble: predictiveVariance",
    "uncertainty/ensemble: epistemicWeights",
    "metrics: mpjpe",
    "metrics: procrustesMpjpe",
  ],
};
