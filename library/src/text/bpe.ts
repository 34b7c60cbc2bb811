/**
 * Byte-pair encoding over UTF-8 bytes: tokens 0 … 255 are the bytes, token 256 + i stands for the
 * two tokens of merge i, and special tokens come last. Every text can be encoded, and decoding gives
 * it back.
 *
 *     const model = trainBpe(texts, { size: 4000, special: ["<end>"] });   // plain data: save as JSON
 *     const tokenizer = bpeTokenizer(model);
 *     const tokens = tokenizer.encode("the text");
 *
 * Merges never cross the pieces that a text is first cut into: words with the space before them, runs
 * of up to three digits, punctuation, other white space.
 * Source: Sennrich, Haddow and Birch 2016, "Neural Machine Translation of Rare Words with Subword Units",
 * algorithm 1; over bytes as in Radford et al. 2019, "Language Models are Unsupervised Multitask Learners".
 */
import { checkTokens, type Tokenizer } from "./tokenizers.ts";

export interface BpeModel {
  kind: "byte-level-bpe";
  /** The two tokens that make up token 256 + i, in the order in which they were learnt. */
  merges: [number, number][];
  /** Names of special tokens; the first is token 256 + merges.length. */
  special: string[];
}

export interface BpeOptions {
  /** Number of tokens: 256 bytes, merges and special tokens. Fewer come out where no pair is left. */
  size: number;
  /** Pairs that occur less often are not merged. Default 2. */
  minCount?: number;
  /** Tokens that no text encodes to, such as an end mark. Default none. */
  special?: readonly string[];
}

/**
 * Learns merges: again and again, the pair of neighbouring tokens that is most frequent becomes one
 * token; of equally frequent ones that with the lower left, then lower right token. The same texts
 * give the same merges in any order.
 *
 * @throws RangeError where `size` has no room for the bytes and the special tokens
 */
export function trainBpe(texts: Iterable<string>, options: BpeOptions): BpeModel {
  const { size, minCount = 2, special = [] } = options;
  const wanted = size - 256 - special.length;
  if (!(Number.isSafeInteger(size) && wanted >= 0))
    throw new RangeError(`trainBpe: size ${size} must be an integer of at least ${256 + special.length}`);
  if (new Set(special).size < special.length)
    throw new RangeError(`trainBpe: special [${special.join(", ")}] has a name twice`);

  const pieces = countPieces(texts);
  // Where each pair occurs: pieces by number. A piece stays listed after its last such pair is gone.
  const counts = new Map<number, number>();
  const places = new Map<number, Set<number>>();
  const queue = new PairQueue();
  const add = (pair: number, count: number, piece: number) => {
    counts.set(pair, (counts.get(pair) ?? 0) + count);
    if (count <= 0) return;
    const set = places.get(pair);
    if (set) set.add(piece);
    else places.set(pair, new Set([piece]));
  };
  pieces.forEach(({ tokens, count }, piece) => {
    for (let i = 1; i < tokens.length; i++) add(pairOf(tokens[i - 1], tokens[i]), count, piece);
  });
  for (const [pair, count] of counts) queue.push({ pair, count });

  const merges: [number, number][] = [];
  while (merges.length < wanted) {
    const best = queue.pop();
    if (!best || best.count < minCount) break;
    const count = counts.get(best.pair)!;
    if (count !== best.count) {
      // Counts only fall behind the queue's: ask again with the true one.
      if (count > 0) queue.push({ pair: best.pair, count });
      continue;
    }
    const left = Math.floor(best.pair / pairBase);
    const right = best.pair % pairBase;
    const merged = 256 + merges.length;
    merges.push([left, right]);
    const born = new Set<number>();
    for (const piece of places.get(best.pair)!) {
      const { tokens, count } = pieces[piece];
      const after = mergeAll(tokens, left, right, merged);
      if (after.length === tokens.length) continue;
      for (let i = 1; i < tokens.length; i++) add(pairOf(tokens[i - 1], tokens[i]), -count, piece);
      for (let i = 1; i < after.length; i++) {
        const pair = pairOf(after[i - 1], after[i]);
        add(pair, count, piece);
        if (after[i - 1] === merged || after[i] === merged) born.add(pair);
      }
      pieces[piece].tokens = after;
    }
    counts.delete(best.pair);
    places.delete(best.pair);
    for (const pair of born) queue.push({ pair, count: counts.get(pair)! });
  }
  return { kind: "byte-level-bpe", merges, special: [...special] };
}

export interface BpeTokenizer extends Tokenizer {
  /** Special token by name. */
  special: Record<string, number>;
  /** The bytes of each token; none for special ones. */
  bytes: Uint8Array[];
}

/**
 * The tokeniser of a model, trained or read from JSON. `decode` leaves special tokens out and shows
 * bytes that are no UTF-8 (a token may be part of a character) as U+FFFD.
 *
 * @throws RangeError for a model that is none: merges of tokens that come later, repeated merges
 */
export function bpeTokenizer(model: BpeModel): BpeTokenizer {
  const { ranks, bytes } = readModel(model);
  const size = bytes.length;
  const cache = new Map<string, number[]>();

  function encodePiece(piece: string): number[] {
    let tokens = cache.get(piece);
    if (tokens) return tokens;
    tokens = Array.from(encoder.encode(piece));
    for (;;) {
      let lowest = Number.POSITIVE_INFINITY;
      for (let i = 1; i < tokens.length; i++)
        lowest = Math.min(lowest, ranks.get(pairOf(tokens[i - 1], tokens[i])) ?? lowest);
      if (lowest === Number.POSITIVE_INFINITY) break;
      const [left, right] = model.merges[lowest];
      tokens = mergeAll(tokens, left, right, 256 + lowest);
    }
    // Words recur, and a cache without a bound would hold every text ever seen.
    if (cache.size === cacheLimit) cache.clear();
    cache.set(piece, tokens);
    return tokens;
  }

  return {
    size,
    bytes,
    special: Object.fromEntries(model.special.map((name, i) => [name, size - model.special.length + i])),
    encode: (text) => Int32Array.from(piecesOf(text).flatMap(encodePiece)),
    decode(tokens) {
      checkTokens(tokens, size);
      const parts = Array.from(tokens, (token) => bytes[token]);
      const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
      let at = 0;
      for (const part of parts) {
        whole.set(part, at);
        at += part.length;
      }
      return decoder.decode(whole);
    },
  };
}

/** Cuts a text into pieces that no token crosses; joined they are the text. */
export function piecesOf(text: string): string[] {
  return text.match(pieces) ?? [];
}

const pieces = / ?[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*| ?\p{N}{1,3}| ?[^\s\p{L}\p{M}\p{N}]+|\s+?(?= \S)|\s+/gu;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const cacheLimit = 50_000;

// Two tokens as one number: exact up to 2^26 tokens.
const pairBase = 2 ** 26;
const pairOf = (left: number, right: number) => left * pairBase + right;

function countPieces(texts: Iterable<string>): { tokens: number[]; count: number }[] {
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const piece of piecesOf(text)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  return Array.from(counts, ([piece, count]) => ({ tokens: Array.from(encoder.encode(piece)), count }));
}

/** Replaces the pair from left to right: in "aaa", the pair (a, a) is found once. */
function mergeAll(tokens: number[], left: number, right: number, merged: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i] === left && tokens[i + 1] === right) {
      out.push(merged);
      i++;
    } else out.push(tokens[i]);
  }
  return out;
}

function readModel(model: BpeModel): { ranks: Map<number, number>; bytes: Uint8Array[] } {
  if (model?.kind !== "byte-level-bpe" || !Array.isArray(model.merges) || !Array.isArray(model.special))
    throw new RangeError('bpeTokenizer: the model must have kind "byte-level-bpe", merges and special');
  const ranks = new Map<number, number>();
  const bytes = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));
  model.merges.forEach(([left, right], i) => {
    const known = (token: number) => Number.isInteger(token) && token >= 0 && token < 256 + i;
    if (!known(left) || !known(right))
      throw new RangeError(
        `bpeTokenizer: merge ${i} is of [${left}, ${right}], tokens below ${256 + i} are known`,
      );
    if (ranks.has(pairOf(left, right)))
      throw new RangeError(`bpeTokenizer: merge ${i} of [${left}, ${right}] is there twice`);
    ranks.set(pairOf(left, right), i);
    bytes.push(Uint8Array.of(...bytes[left], ...bytes[right]));
  });
  for (const _ of model.special) bytes.push(new Uint8Array());
  return { ranks, bytes };
}

interface Candidate {
  pair: number;
  count: number;
}

/** Candidates in a binary heap, the most frequent first, of equal ones the lower pair. */
class PairQueue {
  readonly #heap: Candidate[] = [];

  push(candidate: Candidate): void {
    const heap = this.#heap;
    let at = heap.push(candidate) - 1;
    for (let parent = (at - 1) >> 1; at > 0 && before(candidate, heap[parent]); parent = (at - 1) >> 1) {
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = candidate;
  }

  pop(): Candidate | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (!last || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++;
      if (!before(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

const before = (a: Candidate, b: Candidate) => a.count > b.count || (a.count === b.count && a.pair < b.pair);
