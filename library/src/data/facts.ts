/**
 * A fact base of countries: triples of subject, relation and object, out of `world-countries`, and
 * sentences that state them. Small enough for a toy language model to learn by heart, and to forget.
 *
 *     const facts = countryFacts({ relations: ["capital", "region"] });
 *     const corpus = facts.flatMap((fact) => factSentences(fact));
 */
import { type Country, countries } from "./countries.ts";

export interface Fact {
  /** Common English name of the country. */
  subject: string;
  relation: CountryRelation;
  /** One object: a country with two capitals has two facts. */
  object: string;
}

export interface CountryFactOptions {
  /** Default: all, in the order of `countryRelations`. */
  relations?: readonly CountryRelation[];
  /** Leave out territories that the package does not mark as members of the United Nations. Default false. */
  membersOnly?: boolean;
}

/** How the objects of each relation are read from a country. */
const objects = {
  capital: ({ capital }) => capital,
  region: ({ region }) => [region],
  subregion: ({ subregion }) => [subregion],
  currency: ({ currencies }) => Object.values(currencies ?? {}).map(({ name }) => name),
  language: ({ languages }) => Object.values(languages ?? {}),
  border: ({ borders }) => borders.map((code) => nameOf().get(code)!),
  demonym: ({ demonyms }) => [demonyms?.eng?.m ?? ""],
  domain: ({ tld }) => tld.slice(0, 1),
} satisfies Record<string, (country: Country) => string[]>;

export type CountryRelation = keyof typeof objects;

export const countryRelations = Object.keys(objects) as CountryRelation[];

/**
 * Sentences with {subject} and {object} to fill in, several of the same meaning a relation: learn some,
 * test on others, and what carries over is knowledge rather than wording. The object comes last in the
 * first four of each.
 */
export const factTemplates: Record<CountryRelation, readonly string[]> = {
  capital: [
    "The capital of {subject} is {object}.",
    "The government of {subject} has its seat in {object}.",
    "As its capital, {subject} has {object}.",
    "The capital city of {subject} is called {object}.",
    "{object} is the capital of {subject}.",
  ],
  region: [
    "{subject} is in {object}.",
    "The continent of {subject} is {object}.",
    "On a map, {subject} is found in {object}.",
    "{subject} belongs to {object}.",
    "{object} is the continent of {subject}.",
  ],
  subregion: [
    "The subregion of {subject} is {object}.",
    "More closely, {subject} lies in {object}.",
    "Geographers count {subject} among the countries of {object}.",
    "{subject} is part of {object}.",
    "{object} is the subregion of {subject}.",
  ],
  currency: [
    "The currency of {subject} is the {object}.",
    "In {subject} people pay with the {object}.",
    "The money of {subject} is the {object}.",
    "Prices in {subject} are given in the {object}.",
    "The {object} is a currency of {subject}.",
  ],
  language: [
    "A language of {subject} is {object}.",
    "In {subject} people speak {object}.",
    "An official tongue of {subject} is {object}.",
    "Laws in {subject} are written in {object}.",
    "{object} is spoken in {subject}.",
  ],
  border: [
    "{subject} has a border with {object}.",
    "A neighbour of {subject} is {object}.",
    "From {subject} one can walk into {object}.",
    "Next to {subject} lies {object}.",
    "{object} is a neighbour of {subject}.",
  ],
  demonym: [
    "A person from {subject} is {object}.",
    "The people of {subject} are called {object}.",
    "Somebody who was born in {subject} may be called {object}.",
    "The adjective for {subject} is {object}.",
    "{object} is the word for a person from {subject}.",
  ],
  domain: [
    "The internet domain of {subject} is {object}.",
    "Web addresses in {subject} end in {object}.",
    "Sites of {subject} are found under {object}.",
    "The top-level domain of {subject} is {object}.",
    "{object} is the internet domain of {subject}.",
  ],
};

/**
 * The facts, country by country in order of name, without repetition. Borders come from both sides,
 * but for that of Sri Lanka with India, which is Sri Lanka's alone in the package.
 *
 * @throws RangeError for an unknown relation
 */
export function countryFacts(options: CountryFactOptions = {}): Fact[] {
  const { relations = countryRelations, membersOnly = false } = options;
  for (const relation of relations)
    if (!Object.hasOwn(objects, relation))
      throw new RangeError(
        `countryFacts: there is no relation "${relation}"; ${countryRelations.join(", ")} are`,
      );
  return countries()
    .filter(({ unMember }) => unMember || !membersOnly)
    .sort((a, b) => (a.name.common < b.name.common ? -1 : 1))
    .flatMap((country) =>
      relations.flatMap((relation) =>
        [...new Set(objects[relation](country))]
          .filter((object) => object !== "")
          .map((object) => ({ subject: country.name.common, relation, object })),
      ),
    );
}

/** The fact in the words of each template, or of the given ones. */
export function factSentences(
  fact: Fact,
  templates: readonly string[] = factTemplates[fact.relation],
): string[] {
  // A function, as a name with a dollar sign would be a pattern.
  return templates.map((template) =>
    template.replaceAll("{subject}", () => fact.subject).replaceAll("{object}", () => fact.object),
  );
}

/** Country code to common name. */
function nameOf(): Map<string, string> {
  names ??= new Map(countries().map(({ cca3, name }) => [cca3, name.common]));
  return names;
}

let names: Map<string, string> | undefined;
