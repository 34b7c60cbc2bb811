/**
 * Which mined negatives are likely to be unlabelled positives. A suspicion, not a verdict: how often it is
 * right on data with known false negatives is what `auditAgainst` measures.
 */

import { type Interval, proportionInterval } from "../stats/index.ts";
import type { Mined } from "./mine.ts";

export interface Suspect {
  query: number;
  document: number;
  /** Place among the query's negatives, from 1. */
  rank: number;
  score: number;
  /** The lowest score of the query's positives minus this one: negative where the negative is closer. */
  margin: number;
  /** Why it is suspected. */
  reason: "above a positive" | "close to a positive";
}

export interface AuditOptions {
  /** Negatives with a smaller margin than this share of |s⁺| are close to a positive. Default 0.05. */
  closeness?: number;
}

/** The suspects among mined negatives, the most suspect first. */
export function auditNegatives(mined: readonly Mined[], { closeness = 0.05 }: AuditOptions = {}): Suspect[] {
  return mined
    .flatMap(({ query, documents, scores, positiveScores }) => {
      const positive = Math.min(...positiveScores);
      return documents.flatMap((document, i): Suspect[] => {
        const margin = positive - scores[i]!;
        if (!(margin < closeness * Math.abs(positive))) return [];
        const reason = margin < 0 ? "above a positive" : "close to a positive";
        return [{ query, document, rank: i + 1, score: scores[i]!, margin, reason }];
      });
    })
    .sort((a, b) => a.margin - b.margin);
}

export interface AuditQuality {
  /** Share of suspects that are false negatives; undefined without suspects. */
  precision?: Interval;
  /** Share of false negatives that are suspected; undefined without any. */
  recall?: Interval;
  /** Share of all mined negatives that are false. */
  falseNegatives: Interval;
}

/**
 * How good an audit is where the truth is known.
 *
 * @param relevant whether a document truly belongs to a query
 */
export function auditAgainst(
  mined: readonly Mined[],
  suspects: readonly Suspect[],
  relevant: (query: number, document: number) => boolean,
): AuditQuality {
  const pairs = mined.flatMap(({ query, documents }) => documents.map((document) => ({ query, document })));
  const isFalse = ({ query, document }: { query: number; document: number }) => relevant(query, document);
  const found = suspects.filter(isFalse).length;
  const all = pairs.filter(isFalse).length;
  return {
    ...(suspects.length > 0 && { precision: proportionInterval(found, suspects.length) }),
    ...(all > 0 && { recall: proportionInterval(found, all) }),
    falseNegatives: proportionInterval(all, pairs.length),
  };
}
