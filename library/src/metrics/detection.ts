/** Detected boxes against the objects that are there. Boxes are [left, top, right, bottom]. */

export type Box = readonly [left: number, top: number, right: number, bottom: number];

export interface LabelledBox {
  /** Number of the picture. */
  image: number;
  box: Box;
  /** Class of the object, from 0. */
  label: number;
}

export interface Detection extends LabelledBox {
  /** Higher is surer. */
  confidence: number;
}

export interface OverlapOptions {
  /** From which intersection over union on two boxes show the same object, in (0, 1]. Default: 0.5. */
  overlap?: number;
}

/** Area that two boxes share, over the area of both; 0 where either has none. */
export function intersectionOverUnion(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (!(width > 0 && height > 0)) return 0;
  const shared = width * height;
  const area = ([left, top, right, bottom]: Box) => (right - left) * (bottom - top);
  return shared / (area(a) + area(b) - shared);
}

export type Outcome = "hit" | "duplicate" | "miss";

export interface JudgedDetection {
  detection: Detection;
  /** "hit": the first to find an object; "duplicate": a later one on the same object; "miss": on none. */
  outcome: Outcome;
  /** Number of the object that was hit or found again; −1 for a miss. */
  object: number;
}

/**
 * Judges detections from the surest to the least sure (equal ones in the order given). Each takes, of the objects of
 * its picture and class that overlap it enough, the one that overlaps it most among those not yet found; where all of
 * them have been found, it is a duplicate.
 *
 * @returns The detections, surest first.
 * @throws RangeError for an overlap outside (0, 1], or a confidence that is NaN.
 */
export function judgeDetections(
  detections: readonly Detection[],
  objects: readonly LabelledBox[],
  { overlap = 0.5 }: OverlapOptions = {},
): JudgedDetection[] {
  requireOverlap("judgeDetections", overlap);
  const places = new Map<string, number[]>();
  const place = ({ image, label }: LabelledBox) => `${image} ${label}`;
  objects.forEach((object, i) => {
    const key = place(object);
    if (places.has(key)) places.get(key)!.push(i);
    else places.set(key, [i]);
  });
  const found = new Set<number>();
  return surestFirst("judgeDetections", detections).map((detection) => {
    let [best, most] = [-1, 0];
    let again = -1;
    for (const i of places.get(place(detection)) ?? []) {
      const shared = intersectionOverUnion(detection.box, objects[i]!.box);
      if (shared < overlap) continue;
      if (found.has(i)) again = i;
      else if (shared > most) [best, most] = [i, shared];
    }
    if (best < 0) return { detection, outcome: again < 0 ? "miss" : "duplicate", object: again };
    found.add(best);
    return { detection, outcome: "hit", object: best };
  });
}

/**
 * Mean average precision at one overlap: for each class that has objects the area under precision (made falling, as a
 * curve of the best precision at a recall of at least this) over recall; and their mean.
 *
 * All points of the curve count, as in Pascal VOC 2010 and later; COCO reads it at 101 of them.
 *
 * @throws RangeError without objects, and as `judgeDetections`.
 */
export function detectionAveragePrecision(
  detections: readonly Detection[],
  objects: readonly LabelledBox[],
  options: OverlapOptions = {},
): number {
  if (objects.length === 0)
    throw new RangeError("detectionAveragePrecision: objects is empty; expected at least one");
  const judged = judgeDetections(detections, objects, options);
  const classes = new Map<number, number>();
  for (const { label } of objects) classes.set(label, (classes.get(label) ?? 0) + 1);
  let total = 0;
  for (const [label, count] of classes) {
    const hits = judged.filter((j) => j.detection.label === label).map((j) => j.outcome === "hit");
    let found = 0;
    const precision = hits.map((hit, i) => {
      found += Number(hit);
      return found / (i + 1);
    });
    for (let i = precision.length - 1, best = 0; i >= 0; i--) {
      best = Math.max(best, precision[i]!);
      if (hits[i]) total += best / count / classes.size;
    }
  }
  return total;
}

/**
 * How many duplicates come an object, among as many of the surest detections as there are objects. Only the order of
 * the confidences counts, so that methods whose confidences mean different things can be compared.
 *
 * @throws RangeError without objects, and as `judgeDetections`.
 */
export function duplicateRate(
  detections: readonly Detection[],
  objects: readonly LabelledBox[],
  options: OverlapOptions = {},
): number {
  if (objects.length === 0) throw new RangeError("duplicateRate: objects is empty; expected at least one");
  const judged = judgeDetections(detections, objects, options).slice(0, objects.length);
  return judged.filter(({ outcome }) => outcome === "duplicate").length / objects.length;
}

/**
 * Greedy non-maximum suppression: of detections of one picture and class that overlap, only the surest stays.
 *
 * @returns Those that stay, surest first.
 * @throws RangeError as `judgeDetections`.
 */
export function nonMaximumSuppression(
  detections: readonly Detection[],
  { overlap = 0.5 }: OverlapOptions = {},
): Detection[] {
  requireOverlap("nonMaximumSuppression", overlap);
  const kept = new Map<string, Detection[]>();
  return surestFirst("nonMaximumSuppression", detections).filter((detection) => {
    const key = `${detection.image} ${detection.label}`;
    const others = kept.get(key) ?? [];
    if (others.some((other) => intersectionOverUnion(other.box, detection.box) >= overlap)) return false;
    kept.set(key, [...others, detection]);
    return true;
  });
}

function surestFirst(name: string, detections: readonly Detection[]): Detection[] {
  const wrong = detections.findIndex(({ confidence }) => Number.isNaN(confidence));
  if (wrong >= 0) throw new RangeError(`${name}: the confidence of detection ${wrong} is NaN`);
  return [...detections].sort((a, b) => b.confidence - a.confidence);
}

function requireOverlap(name: string, overlap: number): void {
  if (!(overlap > 0 && overlap <= 1))
    throw new RangeError(`${name}: overlap is ${overlap}; expected above 0 and up to 1`);
}
