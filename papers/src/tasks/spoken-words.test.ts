import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, fromData, type Tensor, values } from "nearmiss";
import { editDistance } from "nearmiss/metrics";
import { random } from "nearmiss/random";
import { audioOf, lexicon, minimalPairs, phoneticOf, spokenWords, wordEncoders } from "./spoken-words.ts";

const sizes = { train: 30, validation: 10, test: 10, clips: 2, speakers: 4 };

test("homophones are one word, and the parts share none", () => {
  const all = lexicon().map((word) => word.join());
  assert.equal(new Set(all).size, all.length);
  const { train, validation, test } = spokenWords(sizes, 1);
  const words = [train, validation, test].flatMap((part) => part.words.map((word) => word.join()));
  assert.equal(new Set(words).size, 50);
  assert.deepEqual(
    [...test.clips.said],
    Array.from({ length: 20 }, (_, i) => Math.floor(i / 2)),
  );
});

test("minimal pairs differ in one phoneme", () => {
  const words = spokenWords(sizes, 1).train.words;
  minimalPairs(words).forEach((near, i) => {
    assert.ok(near.every((other) => editDistance(other, words[i]!) === 1));
  });
});

test("what stands behind the end of a clip or a word does not change its vector", async () => {
  const { clips, words } = spokenWords(sizes, 1).train;
  const encoders = wordEncoders(8, 4);
  const params = encoders.init(random("weights"));
  const audio = audioOf(clips, [0, 1, 2]);
  const present = values(audio.present);
  const [, features, time] = audio.frames.shape as [number, number, number];
  const noisy = fromData(
    Float32Array.from(values(audio.frames), (x, at) => {
      const clip = Math.floor(at / (features * time));
      return present[clip * time + (at % time)] ? x : 9;
    }),
    audio.frames.shape,
  );
  const phonetic = phoneticOf(words.slice(0, 3));
  const there = values(phonetic.present);
  const changed = fromData(
    Int32Array.from(values(phonetic.phonemes), (x, at) => (there[at] ? x : 7)),
    phonetic.phonemes.shape,
  );
  const vectors = async (x: Tensor) => Array.from(values(await evaluate(x)));
  assert.deepEqual(
    await vectors(encoders.hear(params, { ...audio, frames: noisy })),
    await vectors(encoders.hear(params, audio)),
  );
  assert.deepEqual(
    await vectors(encoders.read(params, { ...phonetic, phonemes: changed })),
    await vectors(encoders.read(params, phonetic)),
  );
});
