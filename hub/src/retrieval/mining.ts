/** What `nearmiss mine` finds: plain data, as its report's JSON holds it. */
import {
  auditNegatives,
  type Dropped,
  type Mined,
  type MiningData,
  type MiningReport,
  type Suspect,
  toLabelledLists,
  toLabelledPairs,
  toTriplets,
  toTuples,
} from "nearmiss/negatives";

export const forms = {
  triplet: toTriplets,
  tuple: toTuples,
  "labelled-pair": toLabelledPairs,
  "labelled-list": toLabelledLists,
} satisfies Record<string, (data: MiningData, mined: readonly Mined[]) => object[]>;

export type Form = keyof typeof forms;

export interface Mining {
  format: "nearmiss-mining";
  version: 1;
  corpus: { name: string; documents: number };
  pairs: string;
  model: string;
  /** As they were given. */
  options: Record<string, unknown>;
  form: Form;
  out: string;
  examples: number;
  report: MiningReport;
  audit: {
    /** Share of a positive's score within which a negative is suspect. */
    closeness: number;
    suspects: number;
    /** The most suspect ones. */
    first: (Omit<Suspect, "query" | "document"> & { query: string; id: string; document: string })[];
  };
  notes: string[];
  seconds: number;
  versions: Record<string, string>;
}

/** Suspects that are shown. */
const SHOWN = 20;

/** Suspects among mined negatives, with their texts. */
export function auditOf(
  data: MiningData,
  mined: readonly Mined[],
  ids: readonly string[],
  closeness: number,
): Mining["audit"] {
  const suspects = auditNegatives(mined, { closeness });
  return {
    closeness,
    suspects: suspects.length,
    first: suspects.slice(0, SHOWN).map(({ query, document, ...rest }) => ({
      ...rest,
      query: data.queries[query]!,
      id: ids[document]!,
      document: data.corpus[document]!.slice(0, 160),
    })),
  };
}

/** What each rule is called, in the order in which candidates meet them. */
export const reasons: Record<keyof Dropped, string> = {
  positive: "known positives",
  absoluteMargin: "too close to the positive (absolute margin)",
  relativeMargin: "too close to the positive (relative margin)",
  maxScore: "above the largest score",
  minScore: "below the least score",
  range: "outside of the range of ranks",
  surplus: "fit, but enough were found",
};
