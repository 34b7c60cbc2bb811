import type { Card } from "../card.ts";

export const card: Card = {
  number: 176,
  slug: "perturbed-likelihood",
  title:
    "A likelihood approach to nonparametric estimation of a singular distribution using deep generative models",
  year: 2021,
  family: "generative",
  kind: "algorithm",
  arxiv: "2105.04046",
  link: "https://arxiv.org/abs/2105.04046",
  summary:
    "A deep generative model with Gaussian observation noise is fitted to data concentrated around a low-dimensional set. Before the fit, a little Gaussian noise is added to every data point; the likelihood of the perturbed data is then maximised over the generator and the noise level. The estimate is the law of the generator output without any noise.",
  claim:
    "Maximum likelihood on the raw data can fail to recover a distribution that sits on a low-dimensional set, while the fit to perturbed data is consistent once the noise is dropped. In finite samples the Wasserstein error of the noiseless generator is U-shaped in the amount of added noise.",
  formula: String.raw`\max_{\theta,\sigma}\ \sum_{i=1}^{n}\log\int\mathcal N\big(X_i+s\,\xi_i;\,f_\theta(z),\,\sigma^2I_D\big)\,dP_Z(z),\qquad \xi_i\sim\mathcal N(0,I_D)`,
  exports: [
    "generative/latent: LatentQuadrature",
    "generative/latent: logLikelihood",
    "generative/latent: iwaeBound",
    "generative/perturbed-mle: fitPerturbed",
    "metrics/distribution: wasserstein1",
    "metrics/distribution: slicedW1",
  ],
};
