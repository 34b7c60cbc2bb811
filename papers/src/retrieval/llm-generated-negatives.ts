import { compile, fromData, subtract, type Tensor, valueAndGrad, values } from "nearmiss";
import { wordnet } from "nearmiss/data";
import { weightedTwoSided } from "nearmiss/losses";
import { precisionAtK } from "nearmiss/metrics";
import {
  type AdapterParams,
  corpusFreeNegative,
  falseNegativeAdapter,
  wordnetLexicon,
} from "nearmiss/negatives";
import { adam } from "nearmiss/optim";
import { random } from "nearmiss/random";
import { bm25Index, denseIndex, evaluateRankings, search, type Vectors } from "nearmiss/retrieval";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { type Decision, defineStudy, type Effect } from "../study.ts";
import {
  type BagEncoder,
  cardFalseNegativeRate,
  cardQuality,
  encodeBags,
  encodeCards,
  featuresOf,
  type HiddenCards,
  hiddenCards,
  labelledOf,
  relevantOf,
  trainBags,
  warmBags,
} from "../tasks/hidden-cards.ts";

export const card: Card = {
  number: 14,
  slug: "llm-generated-negatives",
  title: "Don't Retrieve, Generate: Prompting LLMs for Synthetic Training Data in Dense Retrieval",
  year: 2025,
  family: "retrieval",
  kind: "sampler",
  arxiv: "2504.21015",
  link: "https://arxiv.org/abs/2504.21015",
  summary:
    "A language model first writes a query for a passage and then, seeing only that query, writes an on-topic passage that leaves the query unanswered. The text serves as the single hard negative in a contrastive loss with in-batch negatives. No index, lexical search or cross-encoder over the corpus is needed to obtain it.",
  claim:
    "As first posted, the paper claims that fine-tuning a retriever with hard negatives generated from the query alone matches BM25 and cross-encoder mining. Equality is asserted for nDCG@10, P@10 and Recall@100. A later revision, in which the generator also sees the positive passage, reports that generated negatives do worse than both.",
  formula: String.raw`\mathcal L_i=-\log\frac{e^{s(q_i,d_i^+)/\tau}}{\sum_je^{s(q_i,d_j^+)/\tau}+e^{s(q_i,d_i^-)/\tau}},\qquad d_i^-\sim G(\cdot\mid q_i)`,
  exports: [
    "negatives/generate: corpusFreeNegative",
    "negatives/generate: wordnetLexicon",
    "stats/equivalence: equivalenceTest",
    "metrics/ranking: precisionAtK",
  ],
  notes: [
    "No language model writes here: a rule takes a sibling of what the definition asks for, by WordNet, and writes its card. It sees the query, the lexicon and the words of the answer, which it leaves out as a model that knows the answer does. So the study is about negatives that are made without the corpus, not about how well a language model writes.",
    "The lexicon is the source of the corpus, too: a written card can be much like one of the corpus, and is then as good as a mined one. It is written in the style of the labelled cards, so that style does not tell it; whether a language model's style does is not studied.",
    "The cross-encoder is a small network on pairs of the encoder's vectors, trained on labelled cards against random ones and candidates of BM25; its negative is the best of 30 candidates below the labelled card's own score, a ceiling against false negatives.",
    "Equality is asserted, so it is tested: the 95 % intervals must lie inside of ± 0.01, which is stricter than two one-sided tests at 5 % (`equivalenceTest`, whose interval is the 90 % one). That some mined negatives help is asked for as well, as otherwise all arms would be equal because negatives do not matter.",
    "What the default run showed: no mined negative beats in-batch ones on this task, so that it cannot tell whether written ones are as good. They are a little worse than mined ones, and worse than none at all, though they are never the query's own hidden card. A task on which hard negatives matter is needed for a verdict.",
    "The margin of 0.01 is small for nDCG@10 and recall@100, and wide for P@10, which cannot exceed 0.2.",
    "Recall@100 and P@10 are measured with both cards of an entry relevant.",
  ],
};

const MARGIN = 0.01;
const CANDIDATES = 30;

interface Settings {
  train: number;
  development: number;
  test: number;
  warmSteps: number;
  steps: number;
  scorerSteps: number;
  learningRates: number[];
}

const against = (metric: string) =>
  ["bm25", "crossEncoder"].map((baseline) => ({
    metric,
    method: "generated",
    baseline,
    better: "higher" as const,
  }));

/** Equal up to the margin; worse where an interval lies below 0 and not inside of the margin. */
const equality = (effects: Effect[]): Decision => {
  const compared = effects.filter(({ method }) => method === "generated");
  const sensitive = effects.filter(({ method }) => method !== "generated");
  if (sensitive.length > 0 && !sensitive.some(({ low }) => low > 0)) return "inconclusive";
  const inside = ({ low, high }: Effect) => low > -MARGIN && high < MARGIN;
  if (compared.every(inside)) return "supports";
  return compared.some((effect) => effect.high < 0 && !inside(effect)) ? "contradicts" : "inconclusive";
};

export const study = defineStudy<Settings>({
  arms: {
    generated: "written from the query and a lexicon, without the corpus",
    bm25: "the best card by BM25",
    crossEncoder: "the best of BM25's candidates by a cross-encoder, below the labelled card's score",
    random: "a random card",
    inBatch: "the other positives of the batch alone",
  },
  scales: {
    smoke: {
      train: 100,
      development: 20,
      test: 50,
      warmSteps: 5,
      steps: 4,
      scorerSteps: 4,
      learningRates: [1e-3],
      seeds: 2,
    },
    default: {
      train: 2000,
      development: 300,
      test: 500,
      warmSteps: 100,
      steps: 150,
      scorerSteps: 200,
      learningRates: [1e-3, 3e-3],
      seeds: 6,
    },
    full: {
      train: 6000,
      development: 500,
      test: 1000,
      warmSteps: 200,
      steps: 600,
      scorerSteps: 600,
      learningRates: [3e-4, 1e-3, 3e-3],
      seeds: 12,
    },
  },
  metrics: {
    "nDCG@10": "of test definitions among the cards of all parts, both cards relevant",
    "P@10": "share of the first ten that are relevant: at most 0.2",
    "recall@100": "share of the two relevant cards among the first hundred",
    "false negatives": "share of the hard negatives that are the query's own hidden card (in-batch: 0)",
    hardness:
      "mean cosine of queries and their hard negatives after the first phase (in-batch: of random cards)",
  },
  curves: { "training loss": { x: "step", y: "InfoNCE with one hard negative, nats" } },
  claims: [
    {
      id: "equality",
      statement:
        "Negatives written from the query alone train as good a retriever as BM25's and a cross-encoder's.",
      rule: "Differences of nDCG@10 on test queries, paired by seed. Supports if both 95 % intervals lie within ± 0.01 and BM25's or the cross-encoder's negatives beat in-batch ones; contradicts if one lies below 0 and not within ± 0.01 under the same condition; else inconclusive.",
      comparisons: [
        ...against("nDCG@10"),
        ...["bm25", "crossEncoder"].map((method) => ({
          metric: "nDCG@10",
          method,
          baseline: "inBatch",
          better: "higher" as const,
        })),
      ],
      decide: equality,
    },
    {
      id: "other-measures",
      statement: "The same holds for P@10 and recall@100.",
      rule: "As above, without the condition on in-batch negatives.",
      comparisons: [...against("P@10"), ...against("recall@100")],
      decide: equality,
    },
    {
      id: "better-than-none",
      statement: "Written negatives train a better retriever than in-batch ones and than random ones.",
      rule: "nDCG@10, paired by seed. Supports if the 95 % interval of the gain lies above 0 against both, contradicts if it lies below 0 against one, else inconclusive.",
      comparisons: ["inBatch", "random"].map((baseline) => ({
        metric: "nDCG@10",
        method: "generated",
        baseline,
        better: "higher" as const,
      })),
    },
  ],
  distance:
    "The paper lets language models write queries and negatives for BEIR passages and fine-tunes E5 and GTE (base); here definitions of 2,000 WordNet entries are the queries, a rule writes the negatives, and the encoder is a table of one million hashed weights.",
  async run({ arm, seed, settings, report, signal }) {
    const learningRate = await chooseOnce(
      ["llm-generated-negatives", arm, settings],
      settings.learningRates,
      async (rate) => {
        const rows = await train(arm, settings, rate, TUNING_SEED, signal);
        return (await cardQuality(rows, hiddenCards(TUNING_SEED, settings), "development"))["nDCG@10"];
      },
    );
    const rows = await train(arm, settings, learningRate, seed, signal, (step, loss) => {
      report.progress(step / settings.steps);
      if (step % 10 === 0 || step === settings.steps) report.point("training loss", step, loss);
    });
    return { ...(await quality(rows, settings, seed)), ...(await measured(arm, settings, seed)) };
  },
});

/** An encoder after both phases; the second has one hard negative to a query. */
async function train(
  arm: string,
  settings: Settings,
  learningRate: number,
  seed: number,
  signal: AbortSignal,
  onStep?: (step: number, loss: number) => void,
): Promise<BagEncoder> {
  const { cards, negatives } = await withNegatives(arm, settings, seed);
  return trainBags({
    cards,
    seed,
    steps: settings.steps,
    learningRate,
    from: await warm(settings, seed),
    ...(arm !== "inBatch" && { negatives: (query: number) => [negatives[query]!] }),
    signal,
    onStep: (step, _, loss) => onStep?.(step, loss),
  });
}

const warm = ({ train, development, test, warmSteps: steps }: Settings, seed: number) =>
  warmBags({ seed, sizes: { train, development, test }, steps });

interface WithNegatives {
  /** The corpus, with written cards after its own. */
  cards: HiddenCards;
  /** For each training query its hard negative. */
  negatives: number[];
}

const withNegatives = remember(
  async (arm: string, settings: Settings, seed: number): Promise<WithNegatives> => {
    const { train, development, test } = settings;
    const cards = hiddenCards(seed, { train, development, test });
    const draw = random(seed).split("negatives");
    const queries = Array.from({ length: train }, (_, query) => query);
    const anyOther = (query: number): number => {
      const other = draw.split(query).integer(0, 2 * train - 1);
      return other < labelledOf(query) ? other : other + 1;
    };
    if (arm === "generated") {
      const nouns = wordnet(["noun"]);
      const lexicon = wordnetLexicon(nouns);
      // The labelled card begins with a word of the answer.
      const answerOf = (query: number) =>
        nouns
          .senses(cards.documents[labelledOf(query)]!.split(", ")[0]!)
          .filter(({ gloss }) => gloss === cards.queries[query])
          .flatMap((synset) => synset.words);
      const texts = queries.map((query) =>
        corpusFreeNegative(cards.queries[query]!, lexicon, {
          random: draw.split(query),
          avoid: answerOf(query),
        }),
      );
      const documents = [...cards.documents, ...texts.map((text) => text ?? "")];
      const features = {
        ...cards.features,
        documents: [...cards.features.documents, ...texts.map((text) => featuresOf(text ?? ""))],
      };
      return {
        cards: { ...cards, documents, features },
        negatives: queries.map((query) =>
          texts[query] === undefined ? anyOther(query) : cards.documents.length + query,
        ),
      };
    }
    if (arm === "bm25" || arm === "crossEncoder") {
      const index = bm25Index(cards.documents.slice(0, 2 * train));
      const candidates = queries.map((query) =>
        search(index, cards.queries[query]!, CANDIDATES + 1)
          .map(({ document }) => document)
          .filter((document) => document !== labelledOf(query)),
      );
      const chosen =
        arm === "bm25"
          ? candidates.map(([first]) => first)
          : await bestByScorer(candidates, cards, settings, seed);
      return { cards, negatives: queries.map((query) => chosen[query] ?? anyOther(query)) };
    }
    return { cards, negatives: queries.map(anyOther) };
  },
  4,
);

const scorer = falseNegativeAdapter(64);

/** For each query the best candidate that the cross-encoder puts below the labelled card, if there is one. */
async function bestByScorer(candidates: number[][], cards: HiddenCards, settings: Settings, seed: number) {
  const { queries, documents } = encodeCards(await warm(settings, seed), cards);
  const root = random(seed).split("cross-encoder");
  const optimizer = adam({ learningRate: 1e-3 });
  let state = optimizer.init(scorer.init(root.split("weights")));
  const step = compile(
    (current: typeof state, q: Tensor, d: Tensor, labels: Tensor) => {
      const [loss, gradients] = valueAndGrad((params: AdapterParams) =>
        weightedTwoSided(scorer.apply(params, q, d), labels, subtract(1, labels)),
      )(current.params);
      return { state: optimizer.update(current, gradients), loss };
    },
    { threads: 1 },
  );
  const n = Math.min(64, candidates.length);
  const labels = fromData(
    Float32Array.from({ length: 3 * n }, (_, i) => (i % 3 === 0 ? 1 : 0)),
    [3 * n],
  );
  for (let i = 0; i < settings.scorerSteps; i++) {
    const draw = root.split("batches").split(i);
    const pairs = [...draw.sample(candidates.length, n)].flatMap((query) => {
      const other = draw.integer(0, 2 * settings.train);
      const list = candidates[query]!;
      return [labelledOf(query), other, list.length > 0 ? draw.choice(list) : other].map((document) => ({
        query,
        document,
      }));
    });
    state = (await step(state, ...pairRows(queries, documents, pairs), labels)).state;
  }
  const run = compile((params: AdapterParams, q: Tensor, d: Tensor) => scorer.apply(params, q, d), {
    threads: 1,
  });
  const pairs = candidates.flatMap((list, query) =>
    [labelledOf(query), ...list].map((document) => ({ query, document })),
  );
  const logits = values(await run(state.params, ...pairRows(queries, documents, pairs)));
  let at = 0;
  return candidates.map((list) => {
    const positive = logits[at++]!;
    let best: { document: number; logit: number } | undefined;
    for (const document of list) {
      const logit = logits[at++]!;
      if (logit < positive && logit > (best?.logit ?? Number.NEGATIVE_INFINITY)) best = { document, logit };
    }
    return best?.document;
  });
}

function pairRows(
  queries: Vectors,
  documents: Vectors,
  pairs: readonly { query: number; document: number }[],
): [Tensor, Tensor] {
  const rows = ({ data, width }: Vectors, which: number[]) => {
    const taken = new Float32Array(which.length * width);
    which.forEach((row, i) => {
      taken.set(data.subarray(row * width, (row + 1) * width), i * width);
    });
    return fromData(taken, [which.length, width]);
  };
  return [
    rows(
      queries,
      pairs.map(({ query }) => query),
    ),
    rows(
      documents,
      pairs.map(({ document }) => document),
    ),
  ];
}

/** Quality on test definitions among the cards of all parts. */
async function quality(rows: BagEncoder, { train, development, test }: Settings, seed: number) {
  const cards = hiddenCards(seed, { train, development, test });
  const [from, to] = cards.parts.test;
  const found = await denseIndex(encodeBags(rows, cards.features.documents), { threads: 1 }).search(
    encodeBags(rows, cards.features.queries.slice(from, to)),
    100,
  );
  const rankings = Array.from({ length: to - from }, (_, i) =>
    found.documents.subarray(i * found.width, (i + 1) * found.width),
  );
  const judgements = rankings.map((_, i) => new Map(relevantOf(from + i).map((document) => [document, 1])));
  const scores = evaluateRankings(rankings, judgements);
  const mean = (list: ArrayLike<number>) => Array.from(list).reduce((total, x) => total + x, 0) / list.length;
  const precisions = rankings.map((documents, i) => precisionAtK({ documents, grades: judgements[i]! }, 10));
  return {
    "nDCG@10": mean(scores["nDCG@10"]),
    "P@10": mean(precisions),
    "recall@100": mean(scores["recall@100"]),
  };
}

/** What an arm's hard negatives are like. */
async function measured(arm: string, settings: Settings, seed: number) {
  const { cards, negatives } = await withNegatives(arm, settings, seed);
  const { queries, documents } = encodeCards(await warm(settings, seed), cards);
  const { width } = queries;
  let total = 0;
  negatives.forEach((document, query) => {
    for (let i = 0; i < width; i++)
      total += queries.data[query * width + i]! * documents.data[document * width + i]!;
  });
  const lists = negatives.map((document, query) => ({ query, documents: [document] }));
  return {
    "false negatives": arm === "inBatch" ? 0 : cardFalseNegativeRate(lists),
    hardness: total / negatives.length,
  };
}
