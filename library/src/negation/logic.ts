/**
 * Sentences as formulas, so that whether one negates another is computed and not guessed.
 *
 *     isNegation(implies(atom("A"), atom("B")), and(atom("A"), not(atom("B"))));  // true
 */

export type Formula =
  | { kind: "atom"; name: string }
  | { kind: "not"; of: Formula }
  | { kind: "and" | "or" | "implies" | "iff"; left: Formula; right: Formula }
  /** Of every, or of some, of the things that are spoken of; the atoms of `of` are then properties of a thing. */
  | { kind: "all" | "some"; of: Formula };

export const atom = (name: string): Formula => ({ kind: "atom", name });
export const not = (of: Formula): Formula => ({ kind: "not", of });
export const and = (left: Formula, right: Formula): Formula => ({ kind: "and", left, right });
export const or = (left: Formula, right: Formula): Formula => ({ kind: "or", left, right });
export const implies = (left: Formula, right: Formula): Formula => ({ kind: "implies", left, right });
export const iff = (left: Formula, right: Formula): Formula => ({ kind: "iff", left, right });
/** Each thing is so; there is one thing at least. */
export const all = (of: Formula): Formula => ({ kind: "all", of });
/** One thing at least is so. */
export const some = (of: Formula): Formula => ({ kind: "some", of });

type Truth = Record<string, boolean>;

/** What is so: of clauses, and of each kind of thing that there is. */
interface World {
  clauses: Truth;
  things: readonly Truth[];
}

function holds(formula: Formula, truth: Truth, things: readonly Truth[]): boolean {
  switch (formula.kind) {
    case "atom":
      return truth[formula.name]!;
    case "not":
      return !holds(formula.of, truth, things);
    case "and":
      return holds(formula.left, truth, things) && holds(formula.right, truth, things);
    case "or":
      return holds(formula.left, truth, things) || holds(formula.right, truth, things);
    case "implies":
      return !holds(formula.left, truth, things) || holds(formula.right, truth, things);
    case "iff":
      return holds(formula.left, truth, things) === holds(formula.right, truth, things);
    case "all":
      return things.every((thing) => holds(formula.of, thing, []));
    case "some":
      return things.some((thing) => holds(formula.of, thing, []));
  }
}

/** Whether exactly one of two formulas holds in every world: each is then the negation of the other. */
export const isNegation = (a: Formula, b: Formula): boolean =>
  worldsOf([a, b]).every(({ clauses, things }) => holds(a, clauses, things) !== holds(b, clauses, things));

/** Whether two formulas hold in the same worlds. */
export const equivalent = (a: Formula, b: Formula): boolean =>
  worldsOf([a, b]).every(({ clauses, things }) => holds(a, clauses, things) === holds(b, clauses, things));

/** Truth in every combination of its clauses, which count up from all false, the last of the names fastest. */
export function truthTable(formula: Formula, names: readonly string[]): boolean[] {
  const used = namesOf(formula);
  const missing = [...used.clauses].find((name) => !names.includes(name));
  if (missing !== undefined || used.properties.size > 0)
    throw new RangeError(
      `truthTable: names is [${names.join(", ")}]; expected all clauses of a formula without "all" and "some"${missing === undefined ? "" : `, as ${missing}`}`,
    );
  return assignments(names).map((truth) => holds(formula, truth, []));
}

/**
 * All worlds that formulas can tell apart. A formula about properties cannot count: what matters is which combinations
 * of them there are, at least one.
 */
function worldsOf(formulas: readonly Formula[]): World[] {
  const clauses = new Set<string>();
  const properties = new Set<string>();
  for (const formula of formulas) {
    const used = namesOf(formula);
    for (const name of used.clauses) clauses.add(name);
    for (const name of used.properties) properties.add(name);
  }
  if (clauses.size > 10 || properties.size > 3)
    throw new RangeError(
      `isNegation: the formulas have ${clauses.size} clauses and ${properties.size} properties; expected at most 10 and 3`,
    );
  const kinds = assignments([...properties]);
  const populations = properties.size === 0 ? [[]] : subsets(kinds);
  return assignments([...clauses]).flatMap((truth) =>
    populations.map((things) => ({ clauses: truth, things })),
  );
}

function namesOf(formula: Formula): { clauses: Set<string>; properties: Set<string> } {
  const found = { clauses: new Set<string>(), properties: new Set<string>() };
  const visit = (each: Formula, bound: boolean) => {
    switch (each.kind) {
      case "atom":
        found[bound ? "properties" : "clauses"].add(each.name);
        break;
      case "not":
        visit(each.of, bound);
        break;
      case "all":
      case "some":
        if (bound)
          throw new RangeError(`logic: "${each.kind}" within another; expected properties without it`);
        visit(each.of, true);
        break;
      default:
        visit(each.left, bound);
        visit(each.right, bound);
    }
  };
  visit(formula, false);
  return found;
}

const assignments = (names: readonly string[]): Truth[] =>
  Array.from({ length: 2 ** names.length }, (_, row) =>
    Object.fromEntries(
      names.map((name, i) => [name, Math.floor(row / 2 ** (names.length - 1 - i)) % 2 === 1]),
    ),
  );

const subsets = <T>(items: readonly T[]): T[][] =>
  Array.from({ length: 2 ** items.length - 1 }, (_, i) =>
    items.filter((_, at) => Math.floor((i + 1) / 2 ** at) % 2 === 1),
  );

/** How atoms are said: "ann is tall" and "ann is not tall", or of properties "tall" and "not tall". */
export type Lexicon = Readonly<Record<string, { positive: string; negative: string }>>;

export interface RenderOptions {
  lexicon: Lexicon;
  /** What "all" and "some" speak of, in the plural: "bakers". Default: "things". */
  noun?: string;
  /** Which of two wordings is taken: "if a then b" or "b if a". Default: 0. */
  style?: 0 | 1;
}

/**
 * A formula in English, in lower case. "both" and "either" open what "not" would otherwise leave unclear, and "all … not"
 * becomes "no".
 *
 * @throws RangeError for an atom that the lexicon lacks
 */
export function render(formula: Formula, { lexicon, noun = "things", style = 0 }: RenderOptions): string {
  const say = (name: string, positive: boolean) => {
    if (!Object.hasOwn(lexicon, name))
      throw new RangeError(`render: lexicon has no "${name}"; expected all atoms of the formula`);
    return lexicon[name]![positive ? "positive" : "negative"];
  };
  const pick = (...wordings: string[]) => wordings[style]!;
  /** `nested`: other words stand before it, so that its extent must be told. */
  const visit = (each: Formula, nested: boolean): string => {
    switch (each.kind) {
      case "atom":
        return say(each.name, true);
      case "and":
        return `${nested ? "both " : ""}${visit(each.left, true)} and ${visit(each.right, true)}`;
      case "or":
        return `${nested || style === 1 ? "either " : ""}${visit(each.left, true)} or ${visit(each.right, true)}`;
      case "implies":
        return pick(
          `if ${visit(each.left, true)} then ${visit(each.right, true)}`,
          `${visit(each.right, true)} if ${visit(each.left, true)}`,
        );
      case "iff":
        return `${visit(each.left, true)} ${pick("if and only if", "exactly if")} ${visit(each.right, true)}`;
      case "all":
        return each.of.kind === "not"
          ? `no ${noun} are ${visit(each.of.of, true)}`
          : `${pick("all", "all of the")} ${noun} are ${visit(each.of, true)}`;
      case "some":
        return `${pick("some", "some of the")} ${noun} are ${visit(each.of, true)}`;
      case "not":
        if (each.of.kind === "atom") return say(each.of.name, false);
        if (each.of.kind === "all") return `not all ${noun} are ${visit(each.of.of, true)}`;
        if (each.of.kind === "some") return `no ${noun} are ${visit(each.of.of, true)}`;
        return `${pick("it is not the case that", "it is not true that")} ${visit(each.of, true)}`;
    }
  };
  return visit(formula, false);
}
