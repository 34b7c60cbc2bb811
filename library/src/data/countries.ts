import type { Country } from "world-countries";
import { readPackageJson } from "./package-file.ts";

export type { Country };

/**
 * The world's 250 countries and territories: names in many languages, capital, region, borders,
 * currencies, languages. From the npm package `world-countries`, fields as documented there.
 */
export function countries(): Country[] {
  world ??= readPackageJson<Country[]>("world-countries", "countries.json");
  return world.slice();
}

let world: Country[] | undefined;
