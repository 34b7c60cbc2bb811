/** Mined negatives as training examples: four forms, as losses and rerankers want them. */
import type { Mined, MiningData } from "./mine.ts";

export interface Triplet {
  anchor: string;
  positive: string;
  negative: string;
}

export interface Tuple {
  anchor: string;
  positive: string;
  negatives: string[];
  /** Of the positive, then of the negatives. */
  scores: number[];
}

export interface LabelledPair {
  anchor: string;
  document: string;
  label: 0 | 1;
}

export interface LabelledList {
  anchor: string;
  /** A positive, then its negatives. */
  documents: string[];
  labels: (0 | 1)[];
}

/** One example for each positive and each negative of a query. */
export const toTriplets = (data: MiningData, mined: readonly Mined[]): Triplet[] =>
  mined.flatMap((found) =>
    found.positives.flatMap((positive) =>
      found.documents.map((negative) => ({
        anchor: data.queries[found.query]!,
        positive: data.corpus[positive]!,
        negative: data.corpus[negative]!,
      })),
    ),
  );

/** One example for each positive; queries that have too few negatives are left out, so all are equally long. */
export const toTuples = (data: MiningData, mined: readonly Mined[]): Tuple[] =>
  mined
    .filter(({ shortfall }) => shortfall === 0)
    .flatMap((found) =>
      found.positives.map((positive, i) => ({
        anchor: data.queries[found.query]!,
        positive: data.corpus[positive]!,
        negatives: found.documents.map((document) => data.corpus[document]!),
        scores: [found.positiveScores[i]!, ...found.scores],
      })),
    );

/** Each positive of a query with label 1, and each negative with label 0. */
export const toLabelledPairs = (data: MiningData, mined: readonly Mined[]): LabelledPair[] =>
  mined.flatMap((found) => {
    const pair = (label: 0 | 1) => (document: number) => ({
      anchor: data.queries[found.query]!,
      document: data.corpus[document]!,
      label,
    });
    return [...found.positives.map(pair(1)), ...found.documents.map(pair(0))];
  });

/** One example for each positive with all negatives of its query; queries without any are left out. */
export const toLabelledLists = (data: MiningData, mined: readonly Mined[]): LabelledList[] =>
  mined
    .filter(({ documents }) => documents.length > 0)
    .flatMap((found) =>
      found.positives.map((positive) => ({
        anchor: data.queries[found.query]!,
        documents: [positive, ...found.documents].map((document) => data.corpus[document]!),
        labels: [1, ...found.documents.map(() => 0 as const)],
      })),
    );
