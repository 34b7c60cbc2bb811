import type { Card } from "../card.ts";

export const card: Card = {
  number: 166,
  slug: "spectral-alignment",
  title: "Spectral Alignment as Predictor of Loss Explosion in Neural Network Training",
  year: 2025,
  family: "theory",
  kind: "diagnostic",
  arxiv: "2510.04202",
  link: "https://arxiv.org/abs/2510.04202",
  summary:
    "Spectral alignment is the cosine between a token's input to a linear layer and the leading singular vector of that layer's weights on the input side. Power iteration, warm-started from the last check, makes it cheap to track over a batch during training. The monitor watches whether the signs over tokens stay balanced or collapse to one side, which means that updates pile up along one rank-one direction.",
  claim:
    "In healthy training the signs of this cosine are balanced over tokens, and their collapse to one sign precedes an explosion of the loss. The alarm comes earlier than alarms on gradient norms, weight norms or maximal activations, and its threshold is clearer.",
  formula: String.raw`\operatorname{SA}(x)=\frac{\langle x,u_1\rangle}{\lVert x\rVert\,\lVert u_1\rVert},\qquad W=\sum_k\sigma_k u_k v_k^\top,\quad h=xW`,
  exports: [
    "powerIteration",
    "spectralAlignment",
    "signDiversity",
    "StabilityMonitor",
    "alarmLeadTime",
    "leadTimeAtFalseAlarmRate",
  ],
};
