/** Binary trees with short paths to frequent words. */

export interface HuffmanTree {
  /** Inner nodes, one fewer than words; the root has the largest number. */
  nodes: number;
  /** For each word the inner nodes from the root to it. */
  paths: Int32Array[];
  /** For each word the turn at each of these nodes: 1 left, −1 right. */
  signs: Int8Array[];
}

/**
 * The Huffman tree of word counts: the expected length of a path is below the entropy plus one bit.
 *
 * Source: Huffman (1952). Equal counts are joined in the order of their words, so that the tree is the same
 * everywhere.
 *
 * @param counts At least 0, of two words or more.
 */
export function huffmanTree(counts: ArrayLike<number>): HuffmanTree {
  const words = counts.length;
  if (words < 2) throw new RangeError(`huffmanTree: counts has ${words} words; expected at least 2`);
  const total = new Float64Array(2 * words - 1);
  for (let word = 0; word < words; word++) {
    if (!(counts[word]! >= 0 && counts[word]! < Infinity))
      throw new RangeError(`huffmanTree: counts[${word}] is ${counts[word]}; expected at least 0`);
    total[word] = counts[word]!;
  }
  // Joined nodes come out in rising order, so two queues do instead of a heap.
  const leaves = Array.from({ length: words }, (_, word) => word).sort(
    (a, b) => counts[a]! - counts[b]! || a - b,
  );
  const parent = new Int32Array(2 * words - 1);
  const sign = new Int8Array(2 * words - 1);
  let leaf = 0;
  let inner = words;
  for (let made = words; made < 2 * words - 1; made++) {
    const smallest = () =>
      leaf < words && (inner >= made || total[leaves[leaf]!]! <= total[inner]!) ? leaves[leaf++]! : inner++;
    const [left, right] = [smallest(), smallest()];
    total[made] = total[left]! + total[right]!;
    parent[left] = parent[right] = made;
    sign[left] = 1;
    sign[right] = -1;
  }
  const root = 2 * words - 2;
  const paths: Int32Array[] = [];
  const signs: Int8Array[] = [];
  for (let word = 0; word < words; word++) {
    const path: number[] = [];
    const turns: number[] = [];
    for (let node = word; node !== root; node = parent[node]!) {
      path.unshift(parent[node]! - words);
      turns.unshift(sign[node]!);
    }
    paths.push(Int32Array.from(path));
    signs.push(Int8Array.from(turns));
  }
  return { nodes: words - 1, paths, signs };
}
