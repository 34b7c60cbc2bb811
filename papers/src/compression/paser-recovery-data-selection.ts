import type { Card } from "../card.ts";

export const card: Card = {
  number: 117,
  slug: "paser-recovery-data-selection",
  title: "PASER: Post-Training Data Selection for Efficient Pruned Large Language Model Recovery",
  year: 2025,
  family: "compression",
  kind: "algorithm",
  arxiv: "2502.12594",
  link: "https://arxiv.org/abs/2502.12594",
  code: "https://github.com/BokwaiHo/PASER",
  summary:
    "The method selects instruction data for recovering a pruned language model. Instructions are clustered with a diffusion kernel and non-negative matrix factorisation, and each cluster gets budget in proportion to the Jensen-Shannon divergence between pruned and original outputs. Within a cluster, samples with high divergence relative to the log of their cost come first, and those that conflict with a concept graph are skipped.",
  claim:
    "Recovery tuning on the selected 4 to 20% of the data restores more of the pruned model's capability than tuning on the full set. It also beats a random subset of equal size.",
  formula: String.raw`n_c=\Big\lfloor B\,\frac{\mathrm{CDS}(c)}{\sum_{c'}\mathrm{CDS}(c')}\Big\rfloor,\quad \mathrm{CDS}(c)=\frac1{|c|}\sum_{x\in c}\mathrm{JSD}\big(p_{M_p}\|p_{M_o}\big)(x)`,
  exports: [
    "compression: selectRecoveryData",
    "compression: capabilityDegradation",
    "cluster: diffusionMap",
    "cluster: nmf",
    "compression: ConceptGraph",
    "compression: magnitudePrune",
    "metrics: jensenShannon",
  ],
};
