import type { Card } from "../card.ts";
import { defineStudy } from "../study.ts";
import { judged, type LearnerSize, trainLearner, type Variant } from "../tasks/in-context-intents.ts";

export const card: Card = {
  number: 59,
  slug: "contrastive-icl",
  title: "Customizing Language Model Responses with Contrastive In-Context Learning",
  year: 2024,
  family: "inference",
  kind: "algorithm",
  arxiv: "2401.17390",
  link: "https://arxiv.org/abs/2401.17390",
  summary:
    "Shows a language model pairs of wanted and unwanted answers, marked as good and bad, and can first ask it to put into words what separates the two before it replies. The bad answers come from low-voted human replies, from another style, or from what the same model writes zero-shot, in which case no labels are needed.",
  claim:
    "At an equal number of positive examples, adding negative examples and a prior analysis of the contrast conveys a hidden intent better than few-shot prompting with positives alone or zero-shot prompting. The measures are embedding similarity and BERTScore against a reference answer, and ratings by a language model.",
  formula: String.raw`\hat y\sim p_\theta\big(y\mid (x_i,y_i^+,y_i^-)_{i=1}^{k},\ \text{analysis},\ x\big)`,
  exports: ["language/contrastive-prompt: contrastivePrompt", "retrieval/rocchio: rocchioScores"],
  notes: [
    "An intent that has one right answer to each input cannot be made clearer by a wrong answer to the same input: the right one says already that all others are wrong. Negatives inform only where several answers are right, as here, where the intent wants one of three attributes to have a certain value and leaves the others open.",
    "The reply is the attribute's value that the intent wants, the one thing about an answer that matters; content is left out, and so is the input of an example. A reader of one prompt can then do no better than 1 over the number of intents that its examples leave, which is shown as the oracle.",
    "The bad answers agree with the good one beside them in 70 % of the other attributes. With answers that agree less, or with prompts of one example among those of training, the model learnt within the time hardly to use them; that was tried on seeds that the study does not use.",
    "Changed after a first default run: with eight values an attribute and 500 steps the model had hardly learnt what bad answers mean. It met 53 % of the ambiguous intents with them and 64 % with an analysis, where the oracle met 96 % and few-shot prompts gave 49 %; all three claims came out inconclusive. Five values and 700 steps were tried on seeds that the study does not use. All arms share the model.",
    "The model is taught what the marks for good, bad and analysis mean. That large pretrained models make use of bad answers without being taught is not tested, nor are texts and their measures of similarity.",
    "There is no official code. rocchioScores is a way of using good and bad examples with any encoder and no language model; the study does not use it.",
  ],
};

interface Settings extends LearnerSize {
  /** Problems of each kind. */
  problems: number;
}

const size = { width: 48, layers: 2, learningRate: 5e-3 };
const accuracyOf = (method: Variant, baseline: Variant) => ({
  metric: "accuracy, ambiguous",
  method,
  baseline,
  better: "higher" as const,
});

export const study = defineStudy<Settings>({
  arms: {
    analysis: "two good and two bad answers, and what separates them is said before the reply",
    contrastive: "two good and two bad answers",
    fewShot: "the same two good answers",
    zeroShot: "no answers",
  },
  scales: {
    smoke: { ...size, width: 16, layers: 1, steps: 5, problems: 20, seeds: 2 },
    default: { ...size, steps: 700, problems: 500, seeds: 5 },
    full: { ...size, width: 96, layers: 3, learningRate: 2e-3, steps: 4000, problems: 2000, seeds: 20 },
  },
  metrics: {
    "accuracy, ambiguous":
      "share of replies that the intent wants, where the good answers have a second value in common",
    "oracle, ambiguous": "what the best possible reader of the same prompts reaches on average",
    "accuracy, clear": "share of replies that the intent wants, where the good answers say it all",
  },
  curves: { "training loss": { x: "step", y: "loss, nats a token" } },
  claims: [
    {
      id: "contrast",
      statement:
        "With bad answers beside the good ones and an analysis, an ambiguous intent is met more often than by few-shot and zero-shot prompts.",
      rule: "The difference of accuracy on ambiguous problems, paired by seed. Supports if its 95 % interval lies above 0 against both, contradicts if it lies below 0 against one, else inconclusive.",
      comparisons: [accuracyOf("analysis", "fewShot"), accuracyOf("analysis", "zeroShot")],
    },
    {
      id: "negatives",
      statement: "Bad answers alone, without an analysis, help already.",
      rule: "As above, contrastive against few-shot.",
      comparisons: [accuracyOf("contrastive", "fewShot")],
    },
    {
      id: "analysis",
      statement: "Saying first what separates good from bad answers helps further.",
      rule: "As above, with analysis against without.",
      comparisons: [accuracyOf("analysis", "contrastive")],
    },
  ],
  distance:
    "The paper prompts Llama 2, GPT-3.5 and GPT-4 with 1 to 4 pairs of texts from StackExchange, Reddit and made-up styles; here a model of 60,000 weights, trained on 45,000 prompts of symbols, reads two pairs of answers that have three attributes of five values.",
  async run({ arm, seed, settings, report, signal }) {
    const params = await trainLearner(settings, seed, signal, (step, steps, loss) => {
      report.progress(step / steps);
      report.point("training loss", step, loss);
    });
    const score = (ambiguous: boolean) =>
      judged(settings, params, arm as Variant, { seed, count: settings.problems, ambiguous });
    const [ambiguous, clear] = [await score(true), await score(false)];
    return {
      "accuracy, ambiguous": ambiguous.accuracy,
      "oracle, ambiguous": ambiguous.oracle,
      "accuracy, clear": clear.accuracy,
    };
  },
});
