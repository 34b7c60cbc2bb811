/** Which instructions a pruned model is tuned on to recover: more where it was harmed more, none that contradict. */

export interface ConceptGraph {
  /** Whether no two of the concepts are both known and yet unconnected. */
  consistent(concepts: readonly string[]): boolean;
  /** Adds the concepts, and connects every two of them. */
  add(concepts: readonly string[]): void;
}

/**
 * The concept consistency graph: concepts that have stood in one example are connected. An example that joins two
 * known concepts which never stood together is taken for contradictory; what is accepted depends on the order.
 *
 * Source: He et al., "PASER" (2025). Its code forgets an example's only concept; here it becomes a node.
 */
export function conceptGraph(): ConceptGraph {
  const neighbours = new Map<string, Set<string>>();
  return {
    consistent: (concepts) =>
      concepts.every((a, i) => {
        const near = neighbours.get(a);
        return (
          near === undefined ||
          concepts.slice(i + 1).every((b) => a === b || !neighbours.has(b) || near.has(b))
        );
      }),
    add(concepts) {
      for (const a of concepts) {
        const near = neighbours.get(a) ?? new Set();
        neighbours.set(a, near);
        for (const b of concepts) if (b !== a) near.add(b);
      }
    },
  };
}

export interface RecoveryData {
  /** Cluster of each example, 0, 1, …, [n]. */
  clusters: ArrayLike<number>;
  /** `capabilityDegradation` of each example, [n]. */
  degradation: ArrayLike<number>;
  /** Tokens of each example, instruction and answer, at least 2, [n]. */
  lengths: ArrayLike<number>;
  /** Concepts of each example, such as its key phrases, [n]. Default: nothing contradicts. */
  concepts?: readonly (readonly string[])[];
  /** How many examples are wanted, B. */
  budget: number;
}

/**
 * The budget of each cluster, ⌊B · CDS(c) / Σ CDS⌋ with CDS the mean degradation of the cluster's examples; alike for
 * all where nothing is harmed. What the rounding leaves over is not given out here.
 *
 * Source: He et al., "PASER" (2025), section on capability degradation-aware selection.
 */
export function recoveryBudgets({
  clusters,
  degradation,
  budget,
}: Pick<RecoveryData, "clusters" | "degradation" | "budget">): number[] {
  requireBudget(budget, clusters.length);
  requireLength("degradation", degradation, clusters.length);
  const damage = damages(clusters, degradation);
  const total = damage.reduce((sum, each) => sum + each, 0);
  // A share that is whole but for rounding is whole.
  return damage.map((each) => Math.floor(budget * (total > 0 ? each / total : 1 / damage.length) + 1e-9));
}

/**
 * Examples to recover a pruned model with. The budget goes to clusters in proportion to their damage; within a cluster
 * those with the most degradation for their cost come first, by degradation / log(length²), and what contradicts the
 * accepted ones is left out. What rounding or a lack of examples leaves of the budget goes to the most harmed clusters
 * that have some left.
 *
 * Source: He et al., "PASER" (2025), algorithm 1 and its code, which gives the rest to none.
 *
 * @returns Positions of the selected examples, at most `budget`: the most harmed cluster's first.
 * @throws RangeError for lists of different lengths, a budget that is not from 0 to n, or a length below 2.
 */
export function selectRecoveryData(data: RecoveryData): number[] {
  const { clusters, degradation, lengths, concepts, budget } = data;
  const n = clusters.length;
  const budgets = recoveryBudgets(data);
  requireLength("lengths", lengths, n);
  if (concepts) requireLength("concepts", concepts, n);
  const efficiency = Float64Array.from({ length: n }, (_, i) => {
    if (!(lengths[i]! >= 2))
      throw new RangeError(`selectRecoveryData: lengths[${i}] is ${lengths[i]}; expected at least 2`);
    return degradation[i]! / Math.log(lengths[i]! ** 2);
  });
  const damage = damages(clusters, degradation);
  const order = damage.map((_, cluster) => cluster).sort((a, b) => damage[b]! - damage[a]! || a - b);
  const waiting = damage.map((_, cluster) =>
    Array.from({ length: n }, (_, i) => i)
      .filter((i) => clusters[i] === cluster)
      .sort((a, b) => efficiency[b]! - efficiency[a]! || a - b),
  );
  const graph = conceptGraph();
  const selected: number[] = [];
  const take = (cluster: number, wanted: number) => {
    for (let taken = 0; taken < wanted && waiting[cluster]!.length > 0; ) {
      const i = waiting[cluster]!.shift()!;
      const own = concepts?.[i] ?? [];
      if (!graph.consistent(own)) continue;
      graph.add(own);
      selected.push(i);
      taken++;
    }
  };
  for (const cluster of order) take(cluster, budgets[cluster]!);
  for (const cluster of order) take(cluster, budget - selected.length);
  return selected;
}

/** Mean degradation of each cluster's examples; 0 of one without examples. */
function damages(clusters: ArrayLike<number>, degradation: ArrayLike<number>): number[] {
  const count = Array.from(clusters).reduce((most, each) => Math.max(most, each + 1), 0);
  const [sums, sizes] = [new Array<number>(count).fill(0), new Array<number>(count).fill(0)];
  for (let i = 0; i < clusters.length; i++) {
    const cluster = clusters[i]!;
    if (!(Number.isInteger(cluster) && cluster >= 0))
      throw new RangeError(`clusters[${i}] is ${cluster}; expected a whole number of at least 0`);
    if (!(degradation[i]! >= 0))
      throw new RangeError(`degradation[${i}] is ${degradation[i]}; expected a number of at least 0`);
    sums[cluster]! += degradation[i]!;
    sizes[cluster]!++;
  }
  return sums.map((sum, cluster) => (sizes[cluster]! > 0 ? sum / sizes[cluster]! : 0));
}

function requireLength(name: string, list: { length: number }, n: number): void {
  if (list.length !== n)
    throw new RangeError(`${name} has ${list.length} entries; expected ${n}, as many as clusters`);
}

function requireBudget(budget: number, n: number): void {
  if (!(Number.isInteger(budget) && budget >= 0 && budget <= n))
    throw new RangeError(
      `budget is ${budget}; expected a whole number from 0 to ${n}, the number of examples`,
    );
}
