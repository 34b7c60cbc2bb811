import { compile, evaluate, fromData, type Tensor } from "nearmiss";
import { applyMask, capabilityDegradation, selectRecoveryData } from "nearmiss/compression";
import { diffusionClusters } from "nearmiss/inference";
import type { CausalLanguageModelParams, NextTokens } from "nearmiss/language";
import { random } from "nearmiss/random";
import { meanOfTokens } from "nearmiss/retrieval";
import { mean } from "nearmiss/stats";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import { policyBatch, scoreInBatches } from "../tasks/language-policy.ts";
import {
  CAPABILITIES,
  capableModel,
  type Instruction,
  instructions,
  magnitudeMask,
  type RecoverySize,
  recoveryPool,
  trainMasked,
} from "../tasks/list-recovery.ts";
import { exactMatch, listModel, responseLosses } from "../tasks/list-skills.ts";

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
    "compression/recovery-data: selectRecoveryData",
    "compression/recovery-data: recoveryBudgets",
    "compression/recovery-data: conceptGraph",
    "compression/capability-degradation: capabilityDegradation",
    "compression/capability-degradation: jensenShannon",
    "inference/diffusion-clusters: diffusionClusters",
    "compression/masks: pruneLowest",
  ],
  notes: [
    "Differences from the official code: it sums the divergence over the tokens of the instruction, here it is the mean over those of the answer; it gives an unsymmetric Laplacian to a solver for symmetric matrices, here it is the normalised symmetric one; it factorises the symmetric affinities into two different factors, here into one; it leaves what rounding leaves of the budget, here the most harmed clusters get it; it forgets the only concept of a sample, here that becomes a node.",
    "Instructions are embedded as the mean of the original model's last vectors over the prompt, in the place of a sentence encoder. The number of clusters is a setting, as in the code, that of the capabilities.",
    "A sample has two concepts, its question and its answer under its mark: the graph rejects a question with the answer of another one, if both are known already.",
    "All arms tune all weights that pruning left, not low-rank adapters, for equally many steps. The paper trains for equally many epochs, which gives the full set more steps.",
    "The clusters are far from the capabilities: in the first default run their purity was 0.56, where a single cluster has 0.36. A sentence encoder on natural instructions may part them better.",
    "Before the first default run, one seed that the study does not use was looked at with a pool of 600 and 600 steps of pretraining; both were cut for time.",
    "Each arm has the best of three learning rates by the accuracy on held-out instructions with a model and a pool that the study does not use.",
  ],
};

const arms = {
  paser: "a tenth of the pool: clusters by damage, then by divergence for cost, without contradictions",
  full: "the whole pool",
  random: "a random tenth of the pool",
  highestLoss: "the tenth of the pool with the highest loss of the pruned model",
};
type Arm = keyof typeof arms;

interface Settings extends RecoverySize {
  /** Share of each matrix that is pruned. */
  pruned: number;
  /** Instructions to choose from, the share of them with a wrong answer, and how many are chosen. */
  pool: number;
  conflicting: number;
  budget: number;
  steps: number;
  learningRates: number[];
  /** Instructions of each capability to score with. */
  test: number;
}

const settings: Settings = {
  layers: 2,
  width: 48,
  pretraining: 450,
  batchSize: 64,
  pruned: 0.5,
  pool: 500,
  conflicting: 0.05,
  budget: 50,
  steps: 60,
  learningRates: [3e-4, 1e-3, 3e-3],
  test: 100,
};

const compare = (baseline: Arm) => ({
  metric: "recovered",
  method: "paser",
  baseline,
  better: "higher" as const,
});

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      ...settings,
      layers: 1,
      width: 16,
      pretraining: 5,
      batchSize: 8,
      pool: 60,
      budget: 12,
      steps: 3,
      learningRates: [1e-3],
      test: 5,
      seeds: 2,
    },
    default: { ...settings, seeds: 5 },
    full: {
      ...settings,
      layers: 3,
      width: 96,
      pretraining: 2000,
      pool: 1500,
      budget: 150,
      steps: 300,
      test: 500,
      seeds: 10,
    },
  },
  metrics: {
    recovered:
      "(accuracy − that of the pruned model) / (that of the original − that of the pruned model), mean accuracy over capabilities; 0 where pruning changed nothing",
    accuracy: "share of new instructions answered without an error, mean over capabilities",
    worst: "the same of the capability that has the lowest",
    pruned: "accuracy after pruning, before tuning",
    original: "accuracy before pruning",
    "wrong share": "share of the arm's instructions that have a wrong answer",
    purity: "share of the pool that is in a cluster with its own capability in the majority",
  },
  curves: { "training loss": { x: "step", y: "loss on the arm's instructions, nats a token" } },
  claims: [
    {
      id: "random",
      statement: "Tuning on the selected tenth recovers more than on a random tenth.",
      rule: "The difference of the recovered share, paired by seed. Supports if its 95 % interval lies above 0, contradicts if it lies below 0, else inconclusive.",
      comparisons: [compare("random")],
    },
    {
      id: "full",
      statement: "Tuning on the selected tenth recovers more than on the whole pool.",
      rule: "As against the random tenth, against the whole pool.",
      comparisons: [compare("full")],
    },
    {
      id: "loss",
      statement: "It recovers more than tuning on the tenth with the highest loss.",
      rule: "As against the random tenth, against the highest loss.",
      comparisons: [compare("highestLoss")],
    },
  ],
  distance:
    "The paper prunes LLaMA models of 7 to 70 billion weights and chooses from Alpaca (52,000 instructions) and LaMini (2.6 million); here a model of 0.06 million weights has six capabilities on lists of four digits and a pool of 500 instructions.",
  async run({ arm, seed, settings, report, signal }) {
    const world = await worldOf(settings, seed, signal);
    const learningRate = await chosen(arm as Arm, settings, signal);
    const tuned = await recovered(arm as Arm, settings, seed, learningRate, signal, (step, loss) => {
      report.progress(step / settings.steps);
      report.point("training loss", step, loss);
    });
    const test = (params: CausalLanguageModelParams) => accuracies(settings, params, seed, "test");
    const [original, pruned] = [mean(await test(world.original)), mean(await test(world.pruned))];
    const after = await test(tuned);
    const accuracy = mean(after);
    const own = world.selections[arm as Arm];
    return {
      recovered: original === pruned ? 0 : (accuracy - pruned) / (original - pruned),
      accuracy,
      worst: Math.min(...after),
      pruned,
      original,
      "wrong share": own.filter(({ wrong }) => wrong).length / own.length,
      purity: world.purity,
    };
  },
});

/** The models of a seed, its pool, and what each arm selects of it. */
const worldOf = remember(async (settings: Settings, seed: number, signal: AbortSignal) => {
  const { layers, width, pretraining, batchSize, pool: size, budget } = settings;
  const model = listModel(layers, width);
  const original = await capableModel({ layers, width, pretraining, batchSize }, seed, signal);
  const mask = await magnitudeMask(original, settings.pruned);
  const pruned = await evaluate(applyMask(original, mask));
  const draw = random(seed).split("recovery");
  const pool = recoveryPool(size, settings.conflicting, draw.split("pool"));
  const { vectors, degradation } = await examine(settings, original, pruned, pool);
  const clusters = diffusionClusters(vectors, pool.length, {
    clusters: CAPABILITIES,
    random: draw.split("clusters"),
  });
  const chosen = selectRecoveryData({
    clusters,
    degradation,
    lengths: pool.map(({ prompt, response }) => prompt.length + response.length),
    concepts: pool.map(({ capability, prompt, response }) => [
      `question ${prompt.join(" ")}`,
      `answer ${capability}: ${response.join(" ")}`,
    ]),
    budget,
  });
  const losses = await responseLosses(model, pruned, pool);
  const worst = pool.map((_, i) => i).sort((a, b) => losses[b]! - losses[a]!);
  const selections: Record<Arm, Instruction[]> = {
    paser: chosen.map((i) => pool[i]!),
    full: pool,
    random: draw.split("random").shuffle(pool).slice(0, budget),
    highestLoss: worst.slice(0, budget).map((i) => pool[i]!),
  };
  return { original, pruned, mask, selections, purity: purityOf(clusters, pool) };
});

const examiner = remember((layers: number, width: number) => {
  const { policy } = listModel(layers, width);
  return {
    divergence: compile(
      (original: CausalLanguageModelParams, pruned: CausalLanguageModelParams, batch: NextTokens) => {
        const logits = (params: CausalLanguageModelParams) => policy.model.apply(params, batch.inputs);
        return capabilityDegradation(logits(pruned), logits(original), batch.mask);
      },
      { threads: 1 },
    ),
    embed: compile(
      (original: CausalLanguageModelParams, { inputs }: NextTokens, prompts: Tensor) =>
        meanOfTokens(policy.model.hidden(original, policy.model.embed(original, inputs)), prompts),
      { threads: 1 },
    ),
  };
});

/** The original model's vectors of the prompts, and how far the pruned one's answers have moved. */
async function examine(
  { layers, width }: Settings,
  original: CausalLanguageModelParams,
  pruned: CausalLanguageModelParams,
  pool: readonly Instruction[],
) {
  const { policy } = listModel(layers, width);
  const { divergence, embed } = examiner(layers, width);
  return {
    degradation: await scoreInBatches(pool, 1, (batch) =>
      divergence(original, pruned, policyBatch(policy, batch)),
    ),
    vectors: await scoreInBatches(pool, width, (batch) => {
      const tokens = policyBatch(policy, batch);
      const [n, length] = tokens.inputs.shape as [number, number];
      const prompts = Uint8Array.from({ length: n * length }, (_, at) =>
        Number(at % length < batch[Math.floor(at / length)]!.prompt.length),
      );
      return embed(original, tokens, fromData(prompts, [n, length], "bool"));
    }),
  };
}

function purityOf(clusters: ArrayLike<number>, pool: readonly Instruction[]): number {
  const counts = new Map<number, number[]>();
  pool.forEach(({ capability }, i) => {
    const own = counts.get(clusters[i]!) ?? Array<number>(CAPABILITIES).fill(0);
    own[capability]!++;
    counts.set(clusters[i]!, own);
  });
  return [...counts.values()].reduce((sum, own) => sum + Math.max(...own), 0) / pool.length;
}

/** The pruned model after tuning on what an arm selects. */
async function recovered(
  arm: Arm,
  settings: Settings,
  seed: number,
  learningRate: number,
  signal: AbortSignal,
  onStep?: (step: number, loss: number) => void,
): Promise<CausalLanguageModelParams> {
  const { pruned, mask, selections } = await worldOf(settings, seed, signal);
  return trainMasked({
    ...settings,
    params: pruned,
    mask,
    draw: (own) => own.choice(selections[arm]),
    learningRate,
    random: random(seed).split("recovery batches"),
    signal,
    onStep,
  });
}

/** Accuracy of each capability on new instructions. */
const accuracies = (
  { layers, width, test }: Settings,
  params: CausalLanguageModelParams,
  seed: number,
  part: "validation" | "test",
): Promise<number[]> =>
  Promise.all(
    Array.from({ length: CAPABILITIES }, (_, i) =>
      exactMatch(
        listModel(layers, width),
        params,
        instructions(i, test, random(seed).split(part).split(`capability ${i}`)),
      ),
    ),
  );

const chosen = (arm: Arm, settings: Settings, signal: AbortSignal): Promise<number> =>
  chooseOnce(
    { study: "paser-recovery-data-selection", arm, settings },
    settings.learningRates,
    async (learningRate) => {
      const params = await recovered(arm, settings, TUNING_SEED, learningRate, signal);
      return mean(await accuracies(settings, params, TUNING_SEED, "validation"));
    },
  );
