import { reverseDictionary, wordnet } from "nearmiss/data";
import { citationWalkNegatives, linksOf, withinHops } from "nearmiss/negatives";
import { random } from "nearmiss/random";
import { bm25Index, denseIndex, search } from "nearmiss/retrieval";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import {
  type BagEncoder,
  type CardPart,
  type CardSizes,
  cardCandidates,
  cardFalseNegativeRate,
  cardRankingQuality,
  encodeBags,
  encodeCards,
  hiddenCards,
  labelledOf,
  trainBags,
  warmBags,
} from "../tasks/hidden-cards.ts";

export const card: Card = {
  number: 77,
  slug: "bica-citation-negatives",
  title: "BiCA: Effective Biomedical Dense Retrieval with Citation-Aware Hard Negatives",
  year: 2025,
  family: "retrieval",
  kind: "sampler",
  arxiv: "2511.08029",
  link: "https://arxiv.org/abs/2511.08029",
  code: "https://github.com/NiravBhattLab/BiCA",
  summary:
    "Mines hard negatives in the citation neighbourhood, up to two links away, of each positive document. Walks start at the direct references most similar to the query and move to similar unvisited documents, drawn from the top K by a softmax over similarities. The visited documents plus one random easy one are the negatives for a brief fine-tuning with a multiple-negatives ranking loss.",
  claim:
    "Documents found by walking citation links are related but not relevant, and fine-tuning on them raises nDCG@10 more than hard negatives mined by BM25 or by embedding similarity. Very few training steps suffice, and the gain holds both within the biomedical domain and outside it.",
  formula: String.raw`P(d'\mid d)=\frac{e^{\cos(d,d')}}{\sum_{d''\in\operatorname{top}_K(d)}e^{\cos(d,d'')}},\quad d'\in\operatorname{top}_K(d)`,
  exports: [
    "negatives/citation: citationWalkNegatives",
    "negatives/hops: withinHops",
    "negatives/hops: linksOf",
    "losses/contrastive: infoNCE",
  ],
  notes: [
    "WordNet stands in for a citation network: documents are cards of noun synsets, linked where their synsets are, directly or through one synset that has no card. Both cards of a synset are linked to both of the other, so that the query's own hidden card lies two links away: a citation can be a true positive. Queries whose cards have no links are left out of the fine-tuning of all arms.",
    "The authors compare unnormalised vectors with the query at the start of a walk and normalised ones on it; here cosines are used for both. Their walks never leave the neighbourhood but follow similarities in it, not citations.",
    "As in the authors' training, a step takes each query with one of its negatives, and the negatives of a batch serve all of its queries, at temperature 0.05. All arms take up to ten negatives a query.",
    "That few steps help is compared with no fine-tuning at all, as the claim says; fine-tuning with in-batch negatives alone is an arm too, and shows how much of the gain the mined negatives bring.",
    "The domain is made of the physical synsets (animals, artifacts, body, food, objects, plants, substances): fine-tuning sees their queries alone. Every encoder starts from the same one, trained on all training queries with in-batch negatives, which also mines.",
  ],
};

const arms = {
  bica: "walks through the linked documents, and one easy one",
  bm25: "the best by BM25",
  embedding: "the best by the encoder's own similarity",
  twoHops: "random ones within two links",
  inBatch: "none but the other positives of the batch",
  warm: "no fine-tuning, for reference",
};
type Arm = keyof typeof arms;

interface Settings {
  sizes: CardSizes;
  warmSteps: number;
  steps: number;
  learningRates: number[];
}

const against = (metric: string, baselines: Arm[]) =>
  baselines.map((baseline) => ({ metric, method: "bica", baseline, better: "higher" as const }));

const inDomain = "nDCG@10 in domain";
const outOfDomain = "nDCG@10 out of domain";

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      sizes: { train: 200, development: 40, test: 60 },
      warmSteps: 5,
      steps: 3,
      learningRates: [1e-3],
      seeds: 2,
    },
    default: {
      sizes: { train: 3000, development: 500, test: 1000 },
      warmSteps: 200,
      steps: 100,
      learningRates: [3e-4, 1e-3],
      seeds: 6,
    },
    full: {
      sizes: { train: 8000, development: 1000, test: 2000 },
      warmSteps: 1000,
      steps: 300,
      learningRates: [1e-4, 3e-4, 1e-3, 3e-3],
      seeds: 12,
    },
  },
  metrics: {
    [inDomain]: "test queries of physical synsets, both cards of a query's synset relevant, among all cards",
    [outOfDomain]: "test queries of all other synsets, likewise",
    "false negatives": "share of the mined documents that are the query's own hidden card",
  },
  curves: { "training loss": { x: "step", y: "InfoNCE, nats" } },
  claims: [
    {
      id: "in-domain",
      statement: "Negatives by citation walks train better than those by BM25 and by embedding similarity.",
      rule: "nDCG@10 in domain, paired by seed. Supports if the 95 % interval of the difference lies above 0 against both, contradicts if it lies below 0 against one, else inconclusive.",
      comparisons: against(inDomain, ["bm25", "embedding"]),
    },
    {
      id: "out-of-domain",
      statement: "The same holds out of the domain.",
      rule: "As in domain, with nDCG@10 out of domain.",
      comparisons: against(outOfDomain, ["bm25", "embedding"]),
    },
    {
      id: "walk",
      statement: "The walk finds better negatives than random draws within two links.",
      rule: "Supports if the 95 % interval of the difference in nDCG@10 in domain lies above 0, contradicts if below, else inconclusive.",
      comparisons: against(inDomain, ["twoHops"]),
    },
    {
      id: "few-steps",
      statement: "Few steps suffice: fine-tuning on walked negatives improves the encoder.",
      rule: "nDCG@10 in domain after the fine-tuning against before. Supports if the 95 % interval of the difference lies above 0, contradicts if below, else inconclusive.",
      comparisons: against(inDomain, ["warm"]),
    },
  ],
  distance:
    "The paper fine-tunes GTE encoders (33 and 110 million weights) for 20 steps on 20,000 PubMed abstracts with their citations and tests on BEIR and LoTTE; here a table of 16,384 × 64 learns for 100 steps from 3,000 WordNet definitions.",
  async run({ arm, seed, settings, report, signal }) {
    const tune = async (
      from: number,
      learningRate: number,
      onStep?: (step: number, loss: number) => void,
    ) => {
      const { sizes, warmSteps, steps } = settings;
      const cards = hiddenCards(from, sizes);
      const warm = await warmBags({ seed: from, sizes, steps: warmSteps });
      const { physical } = network(from, sizes);
      const mined = await negativesOf(arm as Arm, from, settings);
      if (arm === "warm") {
        onStep?.(steps, 0);
        return { encoder: warm, mined };
      }
      const queries = physical.train;
      const encoder = await trainBags({
        cards,
        seed: from,
        steps,
        learningRate,
        from: warm,
        batches: (_, draw) =>
          Array.from(draw.sample(queries.length, Math.min(64, queries.length)), (i) => queries[i]!),
        // Where BM25 finds nothing but the positive, a random document takes the place.
        negatives:
          mined &&
          ((query, draw) => [
            mined[query]!.length > 0 ? draw.choice(mined[query]!) : draw.integer(0, 2 * sizes.train),
          ]),
        signal,
        onStep: (step, _, loss) => onStep?.(step, loss),
      });
      return { encoder, mined };
    };
    const learningRate = await chooseOnce(
      ["bica", arm, settings],
      arm === "warm" ? [0] : settings.learningRates,
      async (rate) => {
        const { encoder } = await tune(TUNING_SEED, rate);
        const { physical } = network(TUNING_SEED, settings.sizes);
        return quality(encoder, TUNING_SEED, settings.sizes, physical.development);
      },
    );
    const { encoder, mined } = await tune(seed, learningRate, (step, loss) => {
      report.progress(step / settings.steps);
      report.point("training loss", step, loss);
    });
    const { physical, other } = network(seed, settings.sizes);
    return {
      [inDomain]: await quality(encoder, seed, settings.sizes, physical.test),
      [outOfDomain]: await quality(encoder, seed, settings.sizes, other.test),
      "false negatives": cardFalseNegativeRate(
        mined === undefined ? [] : physical.train.map((query) => ({ query, documents: mined[query]! })),
      ),
    };
  },
});

const domain = ["animal", "artifact", "body", "food", "object", "plant", "substance"].map(
  (name) => `noun.${name}`,
);

/** Links among the training cards, and which queries of each part are of physical synsets. */
const network = remember((seed: number, sizes: CardSizes) => {
  const split = reverseDictionary({ ...sizes, seed, hiddenPositives: true });
  const entries = [...split.train, ...split.development, ...split.test];
  const { parts } = hiddenCards(seed, sizes);
  const nouns = wordnet(["noun"]);
  const entryOf = new Map(entries.flatMap(({ ids }, entry) => ids.map((id) => [id, entry] as const)));
  const edges: [number, number][] = [];
  const [, trained] = parts.train;
  for (let entry = 0; entry < trained; entry++) {
    // A synset that is no entry passes its links on: two kinds of one thing are linked through it.
    const direct = entries[entry]!.ids.flatMap((id) => nouns.get(id)!.pointers.map(({ target }) => target));
    const through = direct
      .filter((id) => !entryOf.has(id))
      .flatMap((id) => nouns.get(id)?.pointers.map(({ target }) => target) ?? []);
    for (const id of [...direct, ...through]) {
      const linked = entryOf.get(id);
      if (linked === undefined || linked >= trained || linked === entry) continue;
      for (const a of [0, 1]) for (const b of [0, 1]) edges.push([2 * entry + a, 2 * linked + b]);
    }
  }
  const isPhysical = (entry: number) => domain.includes(nouns.get(entries[entry]!.ids[0]!)!.supersense);
  const queriesOf = (part: CardPart) =>
    Array.from({ length: parts[part][1] - parts[part][0] }, (_, i) => parts[part][0] + i);
  const select = (physical: boolean) => ({
    train: queriesOf("train").filter((query) => isPhysical(query) === physical),
    development: queriesOf("development").filter((query) => isPhysical(query) === physical),
    test: queriesOf("test").filter((query) => isPhysical(query) === physical),
  });
  const links = linksOf(2 * trained, edges);
  const physical = select(true);
  const train = physical.train.filter((query) => links[labelledOf(query)]!.length > 0);
  return { links, physical: { ...physical, train }, other: select(false) };
});

/** For each training query up to ten negatives; undefined for arms without any. */
async function negativesOf(
  arm: Arm,
  seed: number,
  { sizes, warmSteps }: Settings,
): Promise<ArrayLike<number>[] | undefined> {
  if (arm === "inBatch" || arm === "warm") return undefined;
  const cards = hiddenCards(seed, sizes);
  const { links } = network(seed, sizes);
  const queries = Array.from({ length: sizes.train }, (_, query) => query);
  const draw = random(seed).split("mining");
  if (arm === "twoHops")
    return queries.map((query) => {
      const near = withinHops(links, labelledOf(query), 2);
      return Array.from(draw.split(query).sample(near.length, Math.min(10, near.length)), (at) => near[at]!);
    });
  if (arm === "bm25") {
    const index = bm25Index(cards.documents.slice(0, 2 * sizes.train));
    return queries.map((query) =>
      search(index, cards.queries[query]!, 11)
        .map(({ document }) => document)
        .filter((document) => document !== labelledOf(query))
        .slice(0, 10),
    );
  }
  const encoded = encodeCards(await warmBags({ seed, sizes, steps: warmSteps }), cards);
  if (arm === "embedding") {
    const candidates = await cardCandidates(encoded, cards, 10);
    return queries.map((query) => candidates.of(query).map(({ document }) => document));
  }
  const { width } = encoded.queries;
  return queries.map((query) =>
    citationWalkNegatives(
      encoded.queries.data.subarray(query * width, (query + 1) * width),
      labelledOf(query),
      { documents: encoded.documents, links, random: draw.split(query) },
    ),
  );
}

/** nDCG@10 of some queries among all cards. */
async function quality(
  encoder: BagEncoder,
  seed: number,
  sizes: CardSizes,
  queries: readonly number[],
): Promise<number> {
  const { features } = hiddenCards(seed, sizes);
  const index = denseIndex(encodeBags(encoder, features.documents), { threads: 1 });
  const found = await index.search(
    encodeBags(
      encoder,
      queries.map((query) => features.queries[query]!),
    ),
    10,
  );
  const rankings = queries.map((_, i) => found.documents.subarray(i * found.width, (i + 1) * found.width));
  return cardRankingQuality(rankings, queries)["nDCG@10"];
}
