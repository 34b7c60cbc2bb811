/**
 * Short sentences with names of countries, cities, animals and people of some calling. Some stand where they are named
 * and not meant ("the word Peru has four letters"), so that what a word is depends on what stands around it.
 */
import { countries, wordnet } from "nearmiss/data";
import { bioTags, type Entity } from "nearmiss/language";
import { type Random, random } from "nearmiss/random";

export const entityTypes = ["country", "city", "animal", "person"] as const;
export type EntityType = (typeof entityTypes)[number];

/** Slots are types in capitals; ANY is a value of any type that is no entity here. */
const templates =
  `he moved to COUNTRY last year|the army of COUNTRY fought COUNTRY|a ship left COUNTRY in spring
the mayor of CITY spoke again|trains from CITY reach CITY late|they rented rooms in CITY downtown
a hungry ANIMAL ate grass|the vet cured her ANIMAL quickly|hunters saw the ANIMAL near CITY
the PERSON asked his wife|an old PERSON came from COUNTRY|my PERSON feeds a ANIMAL daily
she met the PERSON in CITY|the ANIMAL lives wild in COUNTRY|the PERSON paid the PERSON
the word ANY is short|she spelled ANY with care|a song called ANY was played|he named his boat ANY
the PERSON wrote ANY on paper|nobody in CITY can spell ANY`
    .split(/[|\n]/)
    .map((template) => template.split(" "));

/** Names of one or two words, of which some are for testing only. */
interface Names {
  known: string[][];
  unseen: string[][];
}

const PER_TYPE = 36;
const UNSEEN = 12;

let names: Record<EntityType, Names> | undefined;
/** The names are the same for all seeds. */
function allNames(): Record<EntityType, Names> {
  if (names) return names;
  const world = countries().filter(({ unMember }) => unMember);
  const kind = (file: string) =>
    wordnet(["noun"])
      .synsets.filter(({ supersense }) => supersense === file)
      .flatMap(({ words }) => words.slice(0, 1));
  const all: Record<EntityType, string[]> = {
    country: world.map(({ name }) => name.common),
    city: world.flatMap(({ capital }) => capital.slice(0, 1)),
    animal: kind("noun.animal"),
    person: kind("noun.person"),
  };
  const draw = random("names of entities");
  const taken = new Set(templates.flat());
  names = Object.fromEntries(
    entityTypes.map((type) => {
      const chosen: string[][] = [];
      for (const name of draw.split(type).shuffle(all[type])) {
        const words = name.toLowerCase().replaceAll("_", " ").split(" ");
        if (chosen.length === PER_TYPE) break;
        // No word belongs to two names: types could otherwise be told by parts of names.
        if (words.length > 2 || words.some((word) => taken.has(word) || !/^[a-z]{3,9}$/.test(word))) continue;
        for (const word of words) taken.add(word);
        chosen.push(words);
      }
      return [type, { known: chosen.slice(UNSEEN), unseen: chosen.slice(0, UNSEEN) }];
    }),
  ) as Record<EntityType, Names>;
  return names;
}

export interface EntitySentence {
  words: string[];
  /** Types that the tagger is asked for; names of others are O. */
  asked: EntityType[];
  tags: string[];
}

/** A sentence with names of one kind only. */
export function drawSentence(draw: Random, kind: keyof Names): EntitySentence {
  const asked = entityTypes.filter(() => draw.next() < 0.75);
  if (asked.length === 0) asked.push(draw.choice(entityTypes));
  const words: string[] = [];
  const entities: Entity[] = [];
  for (const word of draw.choice(templates)) {
    const slot = word.toLowerCase() as EntityType;
    if (word !== word.toUpperCase() || word.length === 1) words.push(word);
    else {
      const type = word === "ANY" ? draw.choice(entityTypes) : slot;
      const name = draw.choice(allNames()[type][kind]);
      if (word !== "ANY" && asked.includes(type))
        entities.push({ type, from: words.length, to: words.length + name.length });
      words.push(...name);
    }
  }
  return { words, asked, tags: bioTags(words.length, entities) };
}

/** All words of sentences. */
export const sentenceWords = (): string[] => {
  const inNames = Object.values(allNames()).flatMap(({ known, unseen }) => [...known, ...unseen].flat());
  const plain = templates.flat().filter((word) => word !== word.toUpperCase() || word.length === 1);
  return [...new Set([...plain, ...inNames])];
};

/** Most words of a sentence. */
export const LONGEST_SENTENCE = 8;
