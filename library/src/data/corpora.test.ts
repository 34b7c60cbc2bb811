import assert from "node:assert/strict";
import { test } from "node:test";
import { countries } from "./countries.ts";
import { spamAssassin } from "./emails.ts";
import { readPackageFile } from "./package-file.ts";
import { phonemeManners, pronunciations } from "./pronunciations.ts";
import { sensorReadings } from "./sensors.ts";
import { bostonHouses, sharePrices, wages } from "./tables.ts";
import { mobyDick, speeches } from "./texts.ts";

test("spamAssassin: 6,046 mails in five groups, split into headers and body", () => {
  const emails = spamAssassin({ duplicates: true });
  const groups = Object.fromEntries(
    [...Map.groupBy(emails, (email) => email.group)].map(([k, v]) => [k, v.length]),
  );
  assert.deepEqual(groups, {
    "easy-ham-1": 2500,
    "easy-ham-2": 1400,
    "hard-ham-1": 250,
    "spam-1": 500,
    "spam-2": 1396,
  });
  assert.equal(emails.filter((email) => email.spam).length, 1896);
  const insurance = emails.find((email) => email.id === "spam-1/00001")!;
  assert.equal(insurance.subject, "Life Insurance - Why Pay More?");
  assert.match(insurance.headers, /^From 12a1mailbot1@web\.de[\s\S]*quoted-printable$/);
  assert.match(insurance.body, /^<!DOCTYPE HTML/);
});

test("spamAssassin: repeated bodies are left out, texts are decoded in their character set", () => {
  const emails = spamAssassin();
  assert.equal(emails.length, 5875);
  assert.equal(new Set(emails.map((email) => email.body)).size, emails.length);
  const korean = emails.find((email) => email.body.includes("요즘 뜨는 직종"));
  assert.ok(korean?.spam, "EUC-KR");
  const accented = emails.filter((email) => /[éèüöäñ]/.test(email.body));
  assert.ok(accented.length > 100, `${accented.length} mails with accents`);
  assert.ok(
    emails.every((email) => !email.body.includes("\ufffd")),
    "no character is lost",
  );
});

test("speeches, mobyDick and countries come whole and in order", () => {
  const addresses = speeches();
  assert.equal(addresses.length, 233);
  assert.deepEqual([addresses[0].year, addresses[0].president], [1790, "George Washington"]);
  assert.ok(addresses.every((speech, i) => i === 0 || speech.year >= addresses[i - 1].year));
  const chapters = mobyDick();
  assert.equal(chapters.length, 139);
  assert.match(chapters.find(({ chapter }) => chapter === "1")!.text, /^Call me Ishmael\./);
  assert.equal(chapters.at(-1)!.chapter, "Epilogue");
  const france = countries().find((country) => country.cca3 === "FRA")!;
  assert.deepEqual(
    [countries().length, france.capital, france.borders.includes("DEU")],
    [250, ["Paris"], true],
  );
});

test("callers get their own list: sorting it disturbs nobody", () => {
  speeches().reverse();
  assert.equal(speeches()[0].year, 1790);
});

test("a package that is not installed is named, with the remedy", () => {
  assert.throws(() => readPackageFile("no-such-data-set", "x"), /npm install no-such-data-set/);
});

test("pronunciations: several of a word, stress, manners of all phonemes", () => {
  const entries = pronunciations();
  const tomato = entries.filter(({ word }) => word === "tomato").map(({ phonemes }) => phonemes.join(" "));
  assert.deepEqual(tomato, ["T AH0 M EY1 T OW2", "T AH0 M AA1 T OW2"]);
  assert.ok(entries.length > 133_000, `${entries.length} entries`);
  assert.ok(entries.every(({ word }) => /^[a-z0-9'][\x21-\x7e]*$/.test(word) && !word.includes("(")));
  const manners = phonemeManners();
  const phonemes = new Set(entries.flatMap((entry) => entry.phonemes).map((p) => p.replace(/\d$/, "")));
  assert.ok(phonemes.size === 39 && [...phonemes].every((phoneme) => phoneme in manners));
});

test("sensorReadings: four sensors, two with anomalies", () => {
  const table = [...Map.groupBy(sensorReadings(), (reading) => reading.sensor)].map(([sensor, rows]) => [
    sensor,
    rows[0].indoor,
    rows.length,
    rows.filter(({ anomaly }) => anomaly).length,
  ]);
  assert.deepEqual(table, [
    [1, true, 4417, 117],
    [2, true, 4417, 0],
    [3, false, 5039, 0],
    [4, false, 5041, 32],
  ]);
  const { humidity, temperature } = sensorReadings()[0];
  assert.deepEqual([humidity, temperature], [45.93, 27.97]);
});

test("bostonHouses, wages, sharePrices: rows, and known figures", () => {
  const houses = bostonHouses();
  assert.equal(houses.length, 506);
  assert.deepEqual(houses[0], {
    value: 24,
    features: [0.00632, 18, 2.31, 0, 0.538, 6.575, 65.2, 4.09, 1, 296, 15.3, 396.9, 4.98],
  });
  const people = wages();
  assert.equal(people.length, 534);
  assert.deepEqual(
    [people[0]?.wage, people[0]?.south, people[0]?.union, people[0]?.sector],
    [5.1, false, true, "manufacturing"],
  );
  const prices = sharePrices();
  assert.equal(prices.length, 1260);
  assert.equal(prices[0]?.date, "2013-05-13");
  assert.ok(
    prices.every(
      ({ low, high, open, close }) => low <= Math.min(open, close) && high >= Math.max(open, close),
    ),
  );
});
