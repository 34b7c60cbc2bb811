import { expandDims, greater, type Tensor, where } from "nearmiss";
import { type KnowledgeGraph, type Triple, wordnet } from "nearmiss/data";
import { linkLogisticLoss, transE } from "nearmiss/losses";
import {
  clusterMembers,
  corruptTriple,
  headProbability,
  kMeans,
  knownTriples,
  relationCounts,
} from "nearmiss/negatives";
import { type Random, random } from "nearmiss/random";
import { encodeTexts, fitStaticEncoder, unitRows } from "nearmiss/retrieval";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { defineStudy } from "../study.ts";
import {
  answerByTranslation,
  countryLinks,
  type LinkBatch,
  type LinkTask,
  linkQuality,
  trainLinks,
} from "../tasks/link-prediction.ts";

export const card: Card = {
  number: 142,
  slug: "lemon-negative-sampling",
  title: "LEMON: LanguagE ModeL for Negative Sampling of Knowledge Graph Embeddings",
  year: 2022,
  family: "contrastive",
  kind: "sampler",
  arxiv: "2203.04703",
  link: "https://arxiv.org/abs/2203.04703",
  summary:
    "Negative triples for knowledge-graph embeddings are made with the help of entity texts. Names and descriptions are embedded once by a sentence encoder and clustered by k-means. The head or tail of a true triple is then replaced by an entity from its own cluster, known true triples are rejected, and uniform draws fill the gaps.",
  claim:
    "Corruption within text clusters gives more informative negatives and raises MRR and Hits@10 in link prediction over uniform corruption. No language model has to run during the training steps.",
  formula: String.raw`L=-\log\sigma(\gamma-d(h,r,t))-\sum_{i=1}^{n}w_i\log\sigma(d(h_i',r,t_i')-\gamma),\quad h_i'\in\mathcal C(h),\ t_i'\in\mathcal C(t)`,
  exports: [
    "negatives/corrupt-triples: corruptTriple",
    "negatives/corrupt-triples: clusterMembers",
    "negatives/corrupt-triples: headProbability",
    "negatives/k-means: kMeans",
    "losses/knowledge-graph: linkLogisticLoss",
    "losses/knowledge-graph: transE",
    "losses/knowledge-graph: rotatE",
    "losses/knowledge-graph: distMult",
    "losses/knowledge-graph: complEx",
    "data/knowledge-graph: countryGraph",
    "metrics/filtered-ranking: filteredRank",
  ],
  notes: [
    "No official code is public. Open in the paper and decided here: draws within a cluster are uniform, the number of clusters is fixed (32) and vectors are not reduced before clustering.",
    "The graph is one of countries with their neighbours, regions, languages and currencies; a part of WordNet of equal size has too few facts an entity for free vectors. An entity's text is its name with its WordNet definitions, where there are any.",
    "Texts are encoded by latent semantic analysis (64 dimensions) in place of a pretrained language model.",
    "The control keeps the clusters' sizes and gives each entity a random place in them.",
    "Where a cluster is the only source of negatives, nothing teaches the model to tell entities of different clusters apart, though all are ranked together. The library's option to mix in uniform draws is not part of the paper or of the study.",
    "All arms choose among the same three learning rates by validation MRR; the margin is 2 throughout.",
  ],
};

const arms = {
  lemon: "entities of the same text cluster",
  uniform: "any entity",
  bernoulli: "any entity, the side by the Bernoulli rule",
  selfAdversarial: "any entity, weighted by the model's own scores",
  shuffled: "entities of the same random cluster",
};
type Arm = keyof typeof arms;

interface Settings {
  clusters: number;
  /** Corrupted facts of a fact. */
  negatives: number;
  margin: number;
  width: number;
  batchSize: number;
  epochs: number;
  every: number;
  learningRates: number[];
}

const settings = { clusters: 32, negatives: 8, margin: 2 };

const against = (metric: string, baselines: Arm[], better: "higher" | "lower" = "higher") =>
  baselines.map((baseline) => ({ metric, method: "lemon", baseline, better }));

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: { ...settings, width: 8, batchSize: 128, epochs: 1, every: 1, learningRates: [1e-2], seeds: 2 },
    default: {
      ...settings,
      width: 32,
      batchSize: 128,
      epochs: 24,
      every: 6,
      learningRates: [3e-3, 1e-2, 3e-2],
      seeds: 12,
    },
    full: {
      ...settings,
      negatives: 32,
      width: 64,
      batchSize: 128,
      epochs: 200,
      every: 20,
      learningRates: [1e-3, 3e-3, 1e-2, 3e-2],
      seeds: 20,
    },
  },
  metrics: {
    MRR: "mean reciprocal rank of the missing end of a test fact, both ends asked for, other true answers left out",
    "Hits@10": "share of these ranks that are at most 10",
    "false negatives": "share of the corrupted facts that are true but held out, over training",
  },
  curves: { "training loss": { x: "fraction of training", y: "loss of a fact, nats" } },
  claims: [
    {
      id: "accuracy",
      statement: "Corruption within text clusters predicts links better than uniform corruption.",
      rule: "The difference of MRR and of Hits@10 against uniform and Bernoulli corruption, paired by seed. Supports if every 95 % interval lies above 0, contradicts if one lies below 0, else inconclusive.",
      comparisons: ["MRR", "Hits@10"].flatMap((metric) => against(metric, ["uniform", "bernoulli"])),
    },
    {
      id: "text",
      statement: "It is the texts that help: clusters of text beat random clusters of equal sizes.",
      rule: "Supports if the 95 % interval of the difference of MRR lies above 0, contradicts if below, else inconclusive.",
      comparisons: against("MRR", ["shuffled"]),
    },
    {
      id: "self-adversarial",
      statement: "Text clusters do better than weighting uniform negatives by the model's own scores.",
      rule: "Supports if the 95 % interval of the difference of MRR lies above 0, contradicts if below, else inconclusive.",
      comparisons: against("MRR", ["selfAdversarial"]),
    },
  ],
  distance:
    "The paper trains several models on WN18, WN18RR and FB15k-237 (15,000 to 41,000 entities) with sentence encoders; here TransE with vectors of length 32 learns 1,200 facts over 600 countries, regions, languages and currencies.",
  async run({ arm, seed, settings, report, signal }) {
    const train = (
      from: number,
      learningRate: number,
      onEpoch?: (fraction: number, loss: number) => void,
    ) => {
      const task = countryLinks(from, 0);
      const counted = { wrong: 0, all: 0 };
      return trainLinks({
        ...settings,
        task,
        seed: from,
        inverses: false,
        learningRate,
        answer: answerByTranslation,
        loss: (batch) => lossOf(arm as Arm, batch, settings),
        prepare: preparation(arm as Arm, task, from, settings, counted),
        signal,
        onEpoch,
      }).then((result) => ({ ...result, task, counted }));
    };
    const learningRate = await chooseOnce(
      ["lemon", arm, settings],
      settings.learningRates,
      async (rate) => (await train(TUNING_SEED, rate)).validation,
    );
    const { model, task, counted } = await train(seed, learningRate, (fraction, loss) => {
      report.progress(fraction);
      report.point("training loss", fraction, loss);
    });
    return {
      ...linkQuality(model, task, "test", answerByTranslation),
      "false negatives": counted.wrong / counted.all,
    };
  },
});

/** Each corrupted fact has another head or another tail, by the batch's one number for a fact. */
function lossOf(arm: Arm, batch: LinkBatch, { margin }: Settings): Tensor {
  const { heads, relations, tails, others, numbers } = batch;
  const headReplaced = greater(expandDims(numbers, 2), 0);
  const [h, r, t] = [heads, relations, tails].map((x) => expandDims(x, 1)) as [Tensor, Tensor, Tensor];
  const negatives = transE(where(headReplaced, others, h), r, where(headReplaced, t, others));
  return linkLogisticLoss(transE(heads, relations, tails), negatives, {
    margin,
    adversarialTemperature: arm === "selfAdversarial" ? 1 : 0,
  });
}

function preparation(
  arm: Arm,
  task: LinkTask,
  seed: number,
  { clusters, negatives }: Settings,
  counted: { wrong: number; all: number },
) {
  const { graph, train } = task;
  const isKnown = knownTriples(train);
  const isTrue = knownTriples(graph.triples);
  const byRelation = relationCounts(train, graph.relations.length).map(headProbability);
  const root = random(seed).split("clusters");
  const replacements =
    arm === "lemon" || arm === "shuffled" ? membersOf(graph, arm, clusters, root) : undefined;
  return async (facts: readonly Triple[], _: unknown, draw: Random) => {
    const others: number[] = [];
    const numbers = new Float32Array(facts.length);
    for (const [row, fact] of facts.entries()) {
      const corrupted = corruptTriple(fact, negatives, {
        entities: graph.entities.length,
        random: draw,
        isKnown,
        headProbabilities: arm === "bernoulli" ? byRelation : undefined,
        replacements,
      });
      const side = corrupted[0]![0] === fact[0] ? 2 : 0;
      numbers[row] = side === 0 ? 1 : 0;
      for (const triple of corrupted) {
        others.push(triple[side]);
        counted.all++;
        if (isTrue(triple)) counted.wrong++;
      }
    }
    return { others: Int32Array.from(others), numbers };
  };
}

/** For each entity the others of its cluster: of texts, or of as many entities at random. */
function membersOf(graph: KnowledgeGraph, arm: Arm, clusters: number, root: Random) {
  const texts = graph.entities.map(described);
  const encoder = fitStaticEncoder(texts, { random: root.split("encoder"), width: 64 });
  const rows = unitRows(encodeTexts(encoder, texts));
  const { assignments } = kMeans(rows, { clusters, random: root.split("k-means") });
  const order = root.split("shuffled").permutation(assignments.length);
  return clusterMembers(arm === "lemon" ? assignments : order.map((at) => assignments[at]!));
}

/** A name with its definitions: "German language" is found as "German". */
function described(name: string): string {
  const bare = name.replace(/ language$| \(subregion\)$/, "");
  const senses = wordnet(["noun"]).senses(bare);
  return [name, ...senses.map(({ gloss }) => gloss)].join(": ");
}
