/** Pairing rows with columns at the least total cost: matrices [rows, columns], row by row; +∞ forbids a pair. */

export interface Assignment {
  /** The column of each row; −1 for a row without one, where there are more rows than columns. */
  columns: Int32Array;
  /** The sum of the costs of the pairs. */
  cost: number;
}

/**
 * The assignment of least total cost. The shorter side is assigned completely.
 *
 * By shortest augmenting paths, in time O(s² l) for the shorter and the longer side.
 *
 * Source: Kuhn, "The Hungarian Method for the Assignment Problem" (1955); Jonker and Volgenant, "A Shortest
 * Augmenting Path Algorithm for Dense and Sparse Linear Assignment Problems" (1987).
 *
 * @param cost [rows, columns]
 * @throws RangeError for another length, for NaN or −∞, or where every complete assignment is forbidden.
 */
export function hungarian(cost: ArrayLike<number>, rows: number, columns: number): Assignment {
  requireCosts("hungarian", cost, rows, columns);
  const solution = rows <= columns ? solve(cost, rows, columns) : turned(cost, rows, columns);
  if (!solution) throw new RangeError("hungarian: cost forbids every complete assignment");
  return solution;
}

/**
 * The k assignments of least total cost, cheapest first; fewer where there are fewer that are not forbidden.
 *
 * Each solution found splits what remains into parts: those that share its first i pairs but not the next. The best
 * of each part waits in a list, and the cheapest of the list is the next solution.
 *
 * Source: Murty, "An Algorithm for Ranking all the Assignments in Order of Increasing Cost" (1968).
 *
 * @param cost [rows, columns] with rows ≤ columns
 * @throws RangeError as `hungarian`, but an empty list where all are forbidden; for more rows than columns, or a k
 *   that is no whole number of at least 1.
 */
export function murtyKBest(cost: ArrayLike<number>, rows: number, columns: number, k: number): Assignment[] {
  requireCosts("murtyKBest", cost, rows, columns);
  if (rows > columns)
    throw new RangeError(`murtyKBest: cost has ${rows} rows and ${columns} columns; expected rows ≤ columns`);
  if (!(Number.isSafeInteger(k) && k >= 1))
    throw new RangeError(`murtyKBest: k is ${k}; expected a whole number of at least 1`);
  interface Part {
    cost: Float64Array;
    /** How many rows are settled. */
    settled: number;
    best: Assignment;
  }
  const waiting: Part[] = [];
  const add = (part: Float64Array, settled: number) => {
    const best = solve(part, rows, columns);
    if (best) waiting.push({ cost: part, settled, best });
  };
  add(Float64Array.from(cost), 0);
  const found: Assignment[] = [];
  while (found.length < k && waiting.length > 0) {
    const next = waiting.reduce((a, b, i) => (b.best.cost < waiting[a]!.best.cost ? i : a), 0);
    const { cost: part, settled, best } = waiting.splice(next, 1)[0]!;
    found.push(best);
    const rest = part.slice();
    for (let row = settled; row < rows; row++) {
      const column = best.columns[row]!;
      const other = rest.slice();
      other[row * columns + column] = Number.POSITIVE_INFINITY;
      add(other, row);
      for (let c = 0; c < columns; c++) if (c !== column) rest[row * columns + c] = Number.POSITIVE_INFINITY;
    }
  }
  return found;
}

function requireCosts(name: string, cost: ArrayLike<number>, rows: number, columns: number): void {
  if (cost.length !== rows * columns)
    throw new RangeError(`${name}: cost has ${cost.length} entries; expected ${rows} × ${columns}`);
  for (let i = 0; i < cost.length; i++)
    if (!(cost[i]! > Number.NEGATIVE_INFINITY))
      throw new RangeError(`${name}: cost holds ${cost[i]} at ${i}; expected numbers or +∞`);
}

function turned(cost: ArrayLike<number>, rows: number, columns: number): Assignment | undefined {
  const flipped = new Float64Array(cost.length);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) flipped[c * rows + r] = cost[r * columns + c]!;
  const solution = solve(flipped, columns, rows);
  if (!solution) return undefined;
  const result = new Int32Array(rows).fill(-1);
  solution.columns.forEach((row, column) => {
    result[row] = column;
  });
  return { columns: result, cost: solution.cost };
}

/** For rows ≤ columns; undefined where every complete assignment is forbidden. */
function solve(cost: ArrayLike<number>, rows: number, columns: number): Assignment | undefined {
  // Potentials of rows and columns keep reduced costs at or above 0; column `columns` is where a path starts.
  const rowPotential = new Float64Array(rows);
  const columnPotential = new Float64Array(columns);
  const rowOf = new Int32Array(columns + 1).fill(-1);
  const before = new Int32Array(columns);
  for (let start = 0; start < rows; start++) {
    const distance = new Float64Array(columns).fill(Number.POSITIVE_INFINITY);
    const done = new Uint8Array(columns + 1);
    rowOf[columns] = start;
    let at = columns;
    let reached = 0;
    while (rowOf[at] !== -1) {
      done[at] = 1;
      const row = rowOf[at]!;
      let nearest = -1;
      for (let c = 0; c < columns; c++) {
        if (done[c]) continue;
        const length = reached + cost[row * columns + c]! - rowPotential[row]! - columnPotential[c]!;
        if (length < distance[c]!) {
          distance[c] = length;
          before[c] = at;
        }
        if (nearest < 0 || distance[c]! < distance[nearest]!) nearest = c;
      }
      if (nearest < 0 || distance[nearest] === Number.POSITIVE_INFINITY) return undefined;
      at = nearest;
      reached = distance[at]!;
    }
    rowPotential[start]! += reached;
    for (let c = 0; c < columns; c++) {
      if (!done[c]) continue;
      columnPotential[c]! += distance[c]! - reached;
      rowPotential[rowOf[c]!]! += reached - distance[c]!;
    }
    while (at !== columns) {
      rowOf[at] = rowOf[before[at]!]!;
      at = before[at]!;
    }
  }
  const result = { columns: new Int32Array(rows), cost: 0 };
  for (let c = 0; c < columns; c++) if (rowOf[c]! >= 0) result.columns[rowOf[c]!] = c;
  for (let r = 0; r < rows; r++) result.cost += cost[r * columns + result.columns[r]!]!;
  return result;
}
