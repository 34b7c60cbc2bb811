import assert from "node:assert/strict";
import { test } from "node:test";
import {
  asWords,
  formatAgo,
  formatInterval,
  formatMean,
  formatNumber,
  formatSeconds,
  secondsBetween,
  summarize,
} from "./format.ts";

test("numbers keep their significant digits and get a true minus sign", () => {
  assert.equal(formatNumber(0.012345), "0.0123");
  assert.equal(formatNumber(-1.5), "\u22121.50");
  assert.equal(formatNumber(123456), "123456");
  assert.equal(formatNumber(0), "0");
  assert.equal(formatNumber(0.00001234), "1.23e\u22125");
  assert.equal(formatNumber(2e9), "2.00e9");
  assert.equal(formatNumber(Number.POSITIVE_INFINITY), "\u221e");
  assert.equal(formatNumber(null), "\u2013");
});

test("a mean has the decimals of its deviation", () => {
  assert.deepEqual(formatMean(0.96123, 0.0042), { mean: "0.9612", deviation: "0.0042" });
  assert.deepEqual(formatMean(-12.345, 3.21), { mean: "\u221212.3", deviation: "3.2" });
  assert.deepEqual(formatMean(0.95, undefined), { mean: "0.9500", deviation: undefined });
  assert.deepEqual(formatMean(1, 0), { mean: "1.000", deviation: "0" });
});

test("an effect and its interval have the same decimals", () => {
  assert.deepEqual(formatInterval(0.0042, 0.0011, 0.0073), {
    gain: "+0.0042",
    low: "+0.0011",
    high: "+0.0073",
  });
  assert.deepEqual(formatInterval(-0.011, -0.015, -0.007), {
    gain: "\u22120.0110",
    low: "\u22120.0150",
    high: "\u22120.0070",
  });
  // One seed: the interval is infinite, and infinity is null in JSON.
  assert.deepEqual(formatInterval(0.5, null, null), { gain: "+0.500" });
  assert.deepEqual(formatInterval(0, 0, 0), { gain: "0", low: "0", high: "0" });
});

test("the summary is the mean and the sample standard deviation", () => {
  const trials = [2, 4, 4, 4, 5, 5, 7, 9].map((value) => ({ metrics: { a: value } }));
  assert.deepEqual(summarize(trials, "a"), { mean: 5, deviation: Math.sqrt(32 / 7), count: 8 });
  assert.equal(summarize(trials.slice(0, 1), "a").deviation, undefined);
  assert.equal(summarize(trials, "b").count, 0);
});

test("spans of time read as people say them", () => {
  assert.deepEqual([0.44, 9.96, 12.4, 59.7, 60, 185, 3600, 7800].map(formatSeconds), [
    "0.4 s",
    "10 s",
    "12 s",
    "1 min",
    "1 min",
    "3 min 5 s",
    "1 h",
    "2 h 10 min",
  ]);
  assert.equal(secondsBetween("2026-01-01T00:00:00Z", "2026-01-01T00:01:30.500Z"), 90.5);
  assert.equal(secondsBetween("2026-01-01T00:00:00Z", undefined), undefined);
});

test("past dates are told to the nearest unit", () => {
  const now = Date.parse("2026-06-15T12:00:00Z");
  const ago = (seconds: number) => formatAgo(new Date(now - seconds * 1000).toISOString(), now);
  assert.equal(ago(-5), "just now");
  assert.equal(ago(30), "just now");
  assert.equal(ago(50), "1 minute ago");
  assert.equal(ago(3 * 3600), "3 hours ago");
  assert.equal(ago(30 * 3600), "yesterday");
  assert.equal(ago(400 * 86400), "last year");
});

test("keys become words", () => {
  assert.equal(asWords("language-model"), "language model");
  assert.equal(asWords("testAccuracy"), "test accuracy");
  assert.equal(asWords("testECE"), "testECE");
});
