/** For tests: a small made-up corpus whose topics have many words for one thing. */
import { random } from "nearmiss/random";

const TOPICS = 30;
const DOCUMENTS = 8;
const WORDS = 20;

/** A made-up word: syllables that say its topic and its place, so that no two are spelt alike. */
function wordOf(number: number): string {
  const consonants = "bdfgklmnprstvz";
  const vowels = "aeiou";
  let word = "";
  for (let left = number + 71; left > 0; left = Math.floor(left / 70))
    word += consonants[left % 14]! + vowels[Math.floor(left / 14) % 5]!;
  return word;
}

/** Words that a topic has in common with the one before. */
const SHARED = 6;

const topicWord = (topic: number, place: number) =>
  wordOf(
    ((place < SHARED ? (topic + TOPICS - 1) % TOPICS : topic) * WORDS +
      (place < SHARED ? WORDS - 1 - place : place)) *
      37,
  );

/**
 * 240 documents of 30 topics. A document has ten of its topic's twenty words, of which six are the next topic's too,
 * and words that all topics share; a query has three words of a topic, and every document of the topic belongs to it. BM25 finds those with the
 * query's words, an encoder that knows which words go together finds the others.
 */
export function topicCorpus({ seed = 1 }: { seed?: number } = {}) {
  const draws = random(seed);
  const pick = (topic: number, count: number) =>
    [...draws.sample(WORDS, count)].map((place) => topicWord(topic, place)).join(" ");
  const common = (count: number) =>
    Array.from({ length: count }, () => wordOf(100_003 + draws.integer(0, 40) * 53)).join(" ");
  const documents = Array.from({ length: TOPICS * DOCUMENTS }, (_, i) => {
    const topic = i % TOPICS;
    return {
      _id: `d${i}`,
      title: pick(topic, 3),
      text: `${pick(topic, 3)} ${common(3)}. ${pick(topic, 4)} ${common(2)}.`,
    };
  });
  const queries = Array.from({ length: TOPICS * 4 }, (_, i) => ({ _id: `q${i}`, text: pick(i % TOPICS, 3) }));
  const relevant = (query: number) =>
    documents.flatMap(({ _id }, i) => (i % TOPICS === query % TOPICS ? [_id] : []));
  const lines = (items: readonly object[]) => items.map((item) => `${JSON.stringify(item)}\n`).join("");
  return {
    corpus: lines(documents),
    queries: lines(queries),
    judgements: `query-id\tcorpus-id\tscore\n${queries
      .flatMap(({ _id }, i) => relevant(i).map((document) => `${_id}\t${document}\t1\n`))
      .join("")}`,
    pairs: lines(
      queries.flatMap(({ text }, i) =>
        relevant(i).map((document) => ({ query: text, document_id: document })),
      ),
    ),
  };
}

/** Documents whose words nobody else has: BM25 finds each by any of them, and there is nothing to learn. */
export function wordCorpus() {
  const documents = Array.from({ length: 60 }, (_, i) => ({
    id: i,
    text: Array.from({ length: 12 }, (_, j) => wordOf((i * 12 + j) * 37)).join(" "),
  }));
  const lines = (items: readonly object[]) => items.map((item) => `${JSON.stringify(item)}\n`).join("");
  return {
    // Each twice, as words of one document alone are no terms.
    corpus: lines([
      ...documents,
      ...documents.map(({ id, text }) => ({ id: id + 60, text: `${text} again` })),
    ]),
    pairs: lines(
      documents.map(({ id, text }) => ({ query: text.split(" ").slice(0, 3).join(" "), doc_id: id })),
    ),
  };
}
