/** Queries with the documents that belong to them: a file of pairs, or queries and judgements of a test collection. */
import { extname } from "node:path";
import { type Document, wholeText } from "./corpus.ts";
import { asText, findName, type Item, nameIn, readItems, readText } from "./items.ts";

export interface JudgedQuery {
  text: string;
  /** Documents, by their positions in the corpus, with grades above 0. */
  grades: Map<number, number>;
}

export interface ReadQueries {
  queries: JudgedQuery[];
  /** What a user should know: repeated pairs, judgements that were passed over. */
  notes: string[];
}

const usual = {
  query: ["query", "question", "anchor", "claim", "search", "text"],
  queryId: ["_id", "id", "query-id", "query_id", "qid"],
  documentId: ["document_id", "doc_id", "docid", "corpus-id", "corpus_id", "positive_id", "pid", "_id", "id"],
  documentText: ["document", "positive", "passage", "answer", "doc"],
};

/**
 * Reads pairs: a query with the id of a document (or a list of ids), or with a document's text.
 *
 * @throws RangeError naming the line of a pair whose document is not in the corpus
 */
export async function readPairs(file: string, documents: readonly Document[]): Promise<ReadQueries> {
  const items = await readItems(file);
  if (items.length === 0) throw new RangeError(`${file}: there is no pair`);
  const queryName = nameIn(file, items, "query", usual.query);
  const textName = findName(items, usual.documentText);
  const idName = textName === undefined ? findName(items, usual.documentId) : undefined;
  if (textName === undefined && idName === undefined)
    nameIn(file, items, "document", [...usual.documentId, ...usual.documentText]);
  const find = idName === undefined ? byText(documents) : byId(documents);
  const name = (idName ?? textName)!;
  const queries = new Map<string, JudgedQuery>();
  let repeated = 0;
  for (const { place, values } of items) {
    const text = asText(values[queryName], file, place, queryName);
    if (text === "") throw new RangeError(`${file}: ${place}: "${queryName}" is empty; expected a query`);
    const listed = values[name];
    for (const value of Array.isArray(listed) ? listed : [listed]) {
      const wanted = asText(value, file, place, name);
      const document = find(wanted);
      if (document === undefined) {
        const shown = JSON.stringify(wanted.slice(0, 60));
        throw new RangeError(
          idName === undefined
            ? `${file}: ${place}: the text ${shown} in "${name}" is no document of the corpus`
            : `${file}: ${place}: no document of the corpus has the id ${shown} ("${name}")`,
        );
      }
      const query = queries.get(text) ?? { text, grades: new Map<number, number>() };
      queries.set(text, query);
      if (query.grades.has(document)) repeated++;
      query.grades.set(document, 1);
    }
  }
  const notes =
    repeated > 0 ? [`${file}: ${count(repeated, "pair")} stood there before and counted once.`] : [];
  return { queries: [...queries.values()], notes };
}

/**
 * Reads the queries and judgements of a test collection: queries with ids and texts, and lines of query,
 * document and score, tab-separated with a header (BEIR) or in four columns (TREC).
 *
 * @param binary whether every score above 0 counts as 1
 * @throws RangeError where a file is broken, or no judgement names a query and a document that are there
 */
export async function readJudged(
  queryFile: string,
  judgementFile: string,
  documents: readonly Document[],
  { binary = false }: { binary?: boolean } = {},
): Promise<ReadQueries> {
  const texts = await readQueries(queryFile);
  const find = byId(documents);
  const grades = new Map<string, Map<number, number>>();
  const unknown = { documents: 0, queries: 0, first: "" };
  for (const { place, query, document, score } of await readJudgements(judgementFile)) {
    if (!(score > 0)) continue;
    const position = find(document);
    if (position === undefined || !texts.has(query)) {
      unknown[position === undefined ? "documents" : "queries"]++;
      unknown.first ||= `${place}: ${position === undefined ? `document "${document}"` : `query "${query}"`}`;
      continue;
    }
    const own = grades.get(query) ?? new Map<number, number>();
    grades.set(query, own.set(position, binary ? 1 : score));
  }
  if (grades.size === 0)
    throw new RangeError(
      `${judgementFile}: no judgement above 0 names a query of ${queryFile} and a document of the corpus` +
        (unknown.first === "" ? "" : ` (first unknown: ${unknown.first})`),
    );
  const passed = unknown.documents + unknown.queries;
  const unjudged = texts.size - grades.size;
  const notes = [
    ...(passed > 0
      ? [
          `${judgementFile}: ${count(passed, "judgement")} passed over: ${unknown.documents} of documents and ${unknown.queries} of queries that are unknown (first: ${unknown.first}).`,
        ]
      : []),
    ...(unjudged > 0
      ? [`${queryFile}: ${count(unjudged, "query", "queries")} without a relevant document left out.`]
      : []),
  ];
  return { queries: [...grades].map(([id, own]) => ({ text: texts.get(id)!, grades: own })), notes };
}

async function readQueries(file: string): Promise<Map<string, string>> {
  const items = await queryItems(file);
  const idName = nameIn(file, items, "query's id", usual.queryId);
  const textName = nameIn(file, items, "query", usual.query);
  const texts = new Map<string, string>();
  for (const { place, values } of items) {
    const id = asText(values[idName], file, place, idName);
    if (texts.has(id)) throw new RangeError(`${file}: ${place}: the query "${id}" stands there twice`);
    texts.set(id, asText(values[textName], file, place, textName));
  }
  return texts;
}

/** Tables of queries often have no header: two columns, id and text. */
async function queryItems(file: string): Promise<Item[]> {
  if (![".tsv", ".tab"].includes(extname(file.replace(/\.gz$/i, "")).toLowerCase())) return readItems(file);
  const lines = (await readText(file)).split(/\r?\n/).filter((line) => line.trim() !== "");
  const cells = lines.map((line) => line.split("\t"));
  const headed = cells[0]?.some((cell) => usual.queryId.includes(cell.trim().toLowerCase()));
  const names = headed ? cells[0]!.map((cell) => cell.trim().toLowerCase()) : ["id", "text"];
  return cells.slice(headed ? 1 : 0).map((row, i) => ({
    place: `line ${i + (headed ? 2 : 1)}`,
    values: Object.fromEntries(names.map((name, column) => [name, row[column]])),
  }));
}

async function readJudgements(file: string) {
  const lines = (await readText(file)).split(/\r?\n/);
  return lines.flatMap((line, i) => {
    const place = `line ${i + 1}`;
    const cells = line.trim().split(line.includes("\t") ? "\t" : /\s+/);
    if (line.trim() === "" || (i === 0 && Number.isNaN(Number(cells.at(-1))))) return [];
    const score = Number(cells.at(-1));
    if ((cells.length !== 3 && cells.length !== 4) || Number.isNaN(score))
      throw new RangeError(
        `${file}: ${place}: ${JSON.stringify(line.slice(0, 80))}; expected query, document, score or query, 0, document, score`,
      );
    return [{ place, query: cells[0]!.trim(), document: cells.at(-2)!.trim(), score }];
  });
}

const byId = (documents: readonly Document[]) => {
  const positions = new Map(documents.map(({ id }, i) => [id, i]));
  return (id: string) => positions.get(id);
};

/** By a document's text, with or without its title. */
const byText = (documents: readonly Document[]) => {
  const key = (text: string) => text.replace(/\s+/g, " ").trim();
  const positions = new Map<string, number>();
  // The first of repeated texts is meant.
  documents.forEach((document, i) => {
    for (const text of [wholeText(document), document.text])
      if (text !== "" && !positions.has(key(text))) positions.set(key(text), i);
  });
  return (text: string) => positions.get(key(text));
};

const count = (n: number, one: string, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
