/** Neighbourhoods in a graph. */

/** For each node the nodes that it is linked to, in both directions, each once, ascending. */
export function linksOf(nodes: number, edges: Iterable<readonly [number, number]>): Int32Array[] {
  const links = Array.from({ length: nodes }, () => new Set<number>());
  for (const [a, b] of edges) {
    for (const node of [a, b])
      if (!(Number.isInteger(node) && node >= 0 && node < nodes))
        throw new RangeError(`linksOf: an edge names node ${node}; expected 0 to ${nodes - 1}`);
    if (a === b) continue;
    links[a]!.add(b);
    links[b]!.add(a);
  }
  return links.map((set) => Int32Array.from(set).sort());
}

/**
 * The nodes at a distance of 1 to `hops` links, nearest first; the node itself is left out.
 *
 * @param links For each node the nodes that it is linked to.
 */
export function withinHops(links: readonly ArrayLike<number>[], node: number, hops: number): number[] {
  if (!(Number.isSafeInteger(hops) && hops >= 0))
    throw new RangeError(`withinHops: hops is ${hops}; expected a whole number of at least 0`);
  if (!links[node]) throw new RangeError(`withinHops: node is ${node}; expected 0 to ${links.length - 1}`);
  const found = new Set([node]);
  let frontier = [node];
  for (let hop = 0; hop < hops; hop++) {
    const next: number[] = [];
    for (const from of frontier)
      for (const to of Array.from(links[from]!))
        if (!found.has(to)) {
          found.add(to);
          next.push(to);
        }
    frontier = next;
  }
  found.delete(node);
  return [...found];
}
