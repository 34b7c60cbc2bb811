/**
 * Named entities as tags of words: B- for an entity's first word, I- for the words that go on with it, O for words
 * outside of entities; and as the text that a tagger writes, "Ann(B-person) left(O)".
 */

/** Words `from` to before `to` of a sentence. */
export interface Entity {
  type: string;
  from: number;
  to: number;
}

/**
 * Tags of a sentence of `length` words.
 *
 * @throws RangeError for entities that are empty, beyond the sentence, or overlap.
 */
export function bioTags(length: number, entities: readonly Entity[]): string[] {
  const tags = new Array<string>(length).fill("O");
  for (const { type, from, to } of entities) {
    if (!(from >= 0 && from < to && to <= length) || tags.slice(from, to).some((tag) => tag !== "O"))
      throw new RangeError(
        `bioTags: an entity has words ${from} to ${to}; expected some of 0 to ${length} that no other one has`,
      );
    for (let i = from; i < to; i++) tags[i] = `${i === from ? "B" : "I"}-${type}`;
  }
  return tags;
}

/**
 * The entities of tags. An I- that follows no entity begins one; one that follows an entity goes on with it, and the
 * type is that of the last word, as in the authors' code.
 */
export function bioEntities(tags: readonly string[]): Entity[] {
  const entities: Entity[] = [];
  let open: Entity | undefined;
  tags.forEach((tag, i) => {
    if (tag === "O") open = undefined;
    else if (open && tag.startsWith("I-")) Object.assign(open, { type: tag.slice(2), to: i + 1 });
    else {
      open = { type: tag.slice(2), from: i, to: i + 1 };
      entities.push(open);
    }
  });
  return entities;
}

/**
 * Which words a tagger writes: those of entities, and up to `context` others before and behind each. 0 lists the
 * entities only; Infinity writes every word.
 */
export function keptWords(tags: readonly string[], context: number): boolean[] {
  if (!(context >= 0))
    throw new RangeError(`keptWords: context is ${context}; expected a number of at least 0`);
  if (context === Number.POSITIVE_INFINITY) return tags.map(() => true);
  return tags.map((_, i) => tags.slice(Math.max(0, i - context), i + context + 1).some((tag) => tag !== "O"));
}

export interface TaggedWords {
  words: string[];
  tags: string[];
}

/** "Ann(B-person) left(O)" */
export const formatTagged = ({ words, tags }: TaggedWords): string =>
  words.map((word, i) => `${word}(${tags[i]})`).join(" ");

/**
 * Reads what `formatTagged` writes, from a model that may make mistakes: each tag belongs to the text between it and
 * the tag before; tags without text are left out, and so is what follows the last tag.
 *
 * @param types Tags of other types become O. Default: all are kept.
 */
export function parseTagged(text: string, types?: readonly string[]): TaggedWords {
  const words: string[] = [];
  const tags: string[] = [];
  for (const [, before, tag] of text.matchAll(/(.*?)\((B-.*?|I-.*?|O)\)/gs)) {
    const word = before!.trim();
    if (word === "") continue;
    words.push(word);
    const known = tag === "O" || !types || types.includes(tag!.slice(2).trim());
    tags.push(known ? tag!.trim() : "O");
  }
  return { words, tags };
}
