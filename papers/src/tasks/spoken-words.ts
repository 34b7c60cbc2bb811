/**
 * Made-up speech: words of the pronouncing dictionary as frames of thirteen numbers, as several speakers would say
 * them, and the two encoders that read frames and phonemes. Test words and test speakers are not those of training.
 */
import { cast, conv1d, fromData, gather, multiply, relu, reshape, type Tensor, transpose } from "nearmiss";
import { phonemeManners, pronunciations } from "nearmiss/data";
import { l2Normalize } from "nearmiss/losses";
import { editNeighbours } from "nearmiss/negatives";
import { type Dense, dense, embedding, heNormal } from "nearmiss/nn";
import { type Random, random } from "nearmiss/random";
import { meanOfTokens } from "nearmiss/retrieval";
import { remember } from "../remember.ts";

/** Numbers of a frame. */
const FEATURES = 13;
/** Phonemes of a word, and frames of a phoneme, at most. */
const LONGEST = 5;
const SLOWEST = 5;
const FRAMES = LONGEST * SLOWEST;

const withoutStress = (phoneme: string) => phoneme.replace(/\d/, "");

const phonemeNames = remember(() =>
  [...new Set(pronunciations().flatMap(({ phonemes }) => phonemes.map(withoutStress)))].sort(),
);

/** All words of up to five letters and three to five phonemes as numbers of phonemes; homophones are one word. */
export const lexicon = remember((): number[][] => {
  const number = new Map(phonemeNames().map((name, i) => [name, i]));
  const found = new Map<string, number[]>();
  for (const { word, phonemes } of pronunciations()) {
    if (phonemes.length < 3 || phonemes.length > LONGEST || !/^[a-z]{1,5}$/.test(word)) continue;
    const numbers = phonemes.map((each) => number.get(withoutStress(each))!);
    found.set(numbers.join(), numbers);
  }
  return [...found.values()];
});

/** What each phoneme sounds like, without a speaker: those of one manner resemble each other. Equal in every run. */
const sounds = remember(() => {
  const manners = phonemeManners();
  return phonemeNames().map((name) => {
    const manner = random("manners")
      .split(manners[name] ?? "")
      .normal(FEATURES, 0, 0.7);
    const own = random("sounds").split(name).normal(FEATURES, 0, 0.7);
    return manner.map((x, i) => x + own[i]!);
  });
});

export interface Clips {
  /** Which word each clip says: its place in `words`. */
  said: Int32Array;
  /** [clips, FEATURES, FRAMES] */
  frames: Float32Array;
  /** 1 for a clip's frames, 0 behind its end, [clips, FRAMES]. */
  present: Uint8Array;
}

export interface SpokenPart {
  words: number[][];
  clips: Clips;
}

export interface SpokenSizes {
  /** Words of each part. */
  train: number;
  validation: number;
  test: number;
  /** Clips of each word. */
  clips: number;
  /** Speakers of training; half as many of validation and of test. */
  speakers: number;
}

export const spokenWords = remember((sizes: SpokenSizes, seed: number) => {
  const root = random(seed).split("spoken words");
  const { train, validation, test } = sizes;
  const words = root
    .split("words")
    .shuffle(lexicon())
    .slice(0, train + validation + test);
  const part = (name: string, from: number, to: number, speakers: number): SpokenPart => ({
    words: words.slice(from, to),
    clips: say(words.slice(from, to), sizes.clips, speakers, root.split(name)),
  });
  const few = Math.ceil(sizes.speakers / 2);
  return {
    validation: part("validation", 0, validation, few),
    test: part("test", validation, validation + test, few),
    train: part("train", validation + test, words.length, sizes.speakers),
  };
}, 3);

function say(words: readonly number[][], clipsOfEach: number, speakerCount: number, draw: Random): Clips {
  const count = words.length * clipsOfEach;
  const speakers = Array.from({ length: speakerCount }, (_, i) => {
    const voice = draw.split(`speaker ${i}`);
    return { scales: voice.normal(FEATURES, 1, 0.15), shifts: voice.normal(FEATURES, 0, 0.4) };
  });
  const clips: Clips = {
    said: Int32Array.from({ length: count }, (_, i) => Math.floor(i / clipsOfEach)),
    frames: new Float32Array(count * FEATURES * FRAMES),
    present: new Uint8Array(count * FRAMES),
  };
  for (let clip = 0; clip < count; clip++) {
    const own = draw.split(clip);
    const { scales, shifts } = own.choice(speakers);
    const spoken = words[clips.said[clip]!]!.flatMap((phoneme) =>
      Array<Float64Array | Float32Array>(own.integer(2, SLOWEST + 1)).fill(sounds()[phoneme]!),
    );
    clips.present.fill(1, clip * FRAMES, clip * FRAMES + spoken.length);
    const noise = own.normal(FEATURES * spoken.length, 0, 0.5);
    for (let i = 0; i < FEATURES; i++)
      for (let t = 0; t < spoken.length; t++) {
        // The mouth moves on before a sound ends: each frame is the mean of itself and its neighbours.
        const [before, after] = [Math.max(t - 1, 0), Math.min(t + 1, spoken.length - 1)];
        const smooth = (spoken[before]![i]! + spoken[t]![i]! + spoken[after]![i]!) / 3;
        clips.frames[(clip * FEATURES + i) * FRAMES + t] =
          scales[i]! * smooth + shifts[i]! + noise[i * spoken.length + t]!;
      }
  }
  return clips;
}

/** A batch for the acoustic encoder. */
export interface Audio {
  /** [n, FEATURES, FRAMES] */
  frames: Tensor;
  /** bool [n, FRAMES] */
  present: Tensor;
}

/** A batch for the phonetic encoder. */
export interface Phonetic {
  /** int32 [n, LONGEST] */
  phonemes: Tensor;
  /** bool [n, LONGEST] */
  present: Tensor;
}

export function audioOf({ frames, present }: Clips, rows: readonly number[]): Audio {
  const size = FEATURES * FRAMES;
  const data = new Float32Array(rows.length * size);
  const mask = new Uint8Array(rows.length * FRAMES);
  rows.forEach((row, i) => {
    data.set(frames.subarray(row * size, (row + 1) * size), i * size);
    mask.set(present.subarray(row * FRAMES, (row + 1) * FRAMES), i * FRAMES);
  });
  return {
    frames: fromData(data, [rows.length, FEATURES, FRAMES]),
    present: fromData(mask, [rows.length, FRAMES], "bool"),
  };
}

export function phoneticOf(words: readonly (readonly number[])[]): Phonetic {
  const phonemes = new Int32Array(words.length * LONGEST);
  const mask = new Uint8Array(words.length * LONGEST);
  words.forEach((word, i) => {
    phonemes.set(word, i * LONGEST);
    mask.fill(1, i * LONGEST, i * LONGEST + word.length);
  });
  return {
    phonemes: fromData(phonemes, [words.length, LONGEST]),
    present: fromData(mask, [words.length, LONGEST], "bool"),
  };
}

interface Encoder {
  /** Kernels [filters, channels, 5] and [filters, filters, 3]. */
  kernels: Tensor[];
  head: Dense;
}

export interface WordEncoders {
  acoustic: Encoder;
  phonetic: Encoder & { table: Tensor };
}

const WINDOWS = [5, 3];

/** Two convolutions over time, the mean of what is there, a linear map; vectors of length 1. */
function encoder(channels: number, filters: number, width: number) {
  const head = dense(filters, width);
  return {
    init: (draw: Random): Encoder => ({
      kernels: WINDOWS.map((window, i) =>
        heNormal(draw.split(`kernel ${i}`), [filters, i === 0 ? channels : filters, window]),
      ),
      head: head.init(draw.split("head")),
    }),
    /** @param x [n, channels, time] @param present bool [n, time] */
    apply(params: Encoder, x: Tensor, present: Tensor): Tensor {
      const [n, time] = present.shape as [number, number];
      const kept = reshape(cast(present, x.dtype), [n, 1, time]);
      const hidden = params.kernels.reduce(
        (h, kernel) => relu(conv1d(multiply(h, kept), kernel, { padding: "same" })),
        x,
      );
      return l2Normalize(head.apply(params.head, meanOfTokens(transpose(hidden, [0, 2, 1]), present)));
    },
  };
}

export interface WordEncoderLayer {
  init(draw: Random): WordEncoders;
  /** Vectors of length 1, [n, width]. */
  hear(params: WordEncoders, audio: Audio): Tensor;
  /** Vectors of length 1, [n, width]. */
  read(params: WordEncoders, phonetic: Phonetic): Tensor;
}

export const wordEncoders = remember((filters: number, width: number): WordEncoderLayer => {
  const acoustic = encoder(FEATURES, filters, width);
  const phonetic = encoder(filters, filters, width);
  const table = embedding(phonemeNames().length, filters);
  return {
    init: (draw) => ({
      acoustic: acoustic.init(draw.split("acoustic")),
      phonetic: { ...phonetic.init(draw.split("phonetic")), table: table.init(draw.split("table")) },
    }),
    hear: (params, { frames, present }) => acoustic.apply(params.acoustic, frames, present),
    read: (params, { phonemes, present }) =>
      phonetic.apply(params.phonetic, transpose(gather(params.phonetic.table, phonemes), [0, 2, 1]), present),
  };
});

/** Words that differ from each of these by one phoneme, of the whole lexicon. */
export const minimalPairs = (words: readonly number[][]): number[][][] => {
  const all = lexicon();
  return editNeighbours(words, { among: all }).map((near) => near.map((i) => all[i]!));
};
