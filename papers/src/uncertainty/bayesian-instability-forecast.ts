import type { Card } from "../card.ts";

export const card: Card = {
  number: 63,
  slug: "bayesian-instability-forecast",
  title:
    "Forecasting Thermoacoustic Instabilities in Liquid Propellant Rocket Engines Using Multimodal Bayesian Deep Learning",
  year: 2021,
  family: "uncertainty",
  kind: "model",
  arxiv: "2107.06396",
  link: "https://arxiv.org/abs/2107.06396",
  summary:
    "Forecasts the amplitude of pressure oscillations step by step from several sensors together with the control signal planned for the horizon. Each member of an ensemble predicts mean and variance and is regularised towards its own random draw from the prior (anchoring). The spread of means is read as epistemic uncertainty, the average variance as aleatoric, and integrated gradients rank the sensors.",
  claim:
    "On runs held out from training, the Bayesian ensemble predicts the oscillation amplitude roughly half a second ahead with calibrated likelihoods; persistence, linear autoregression and a single network are the comparators. Dynamic pressure informs the forecast most. If a sensor fails, epistemic uncertainty rises sharply but aleatoric uncertainty does not.",
  formula: String.raw`L_m=\sum_i-\log\mathcal N(y_i;\mu_m,\sigma_m^2)+\tfrac12(\theta_m-\theta_m^{\text{anc}})^\top\Sigma_p^{-1}(\theta_m-\theta_m^{\text{anc}})`,
  exports: [
    "uncertainty/ensemble:anchoredEnsemble",
    "losses/regression:gaussianNLL",
    "uncertainty:decomposeUncertainty",
    "diagnostics:integratedGradients",
    "data/hopf:instabilityRuns",
    "metrics:crps",
    "metrics:coverage",
  ],
};
