/**
 * Made-up sound scenes whose events are known: eight kinds of sound overlap in noise, heard as the power
 * in 16 frequency bands of 80 frames of 50 ms by two microphones. Bands are drawn as they would be
 * measured, with the speckle of a short-time spectrum; no waveform is made.
 */
import { type Random, random } from "nearmiss/random";
import { remember } from "../remember.ts";
import type { MultilabelExamples } from "./multilabel.ts";

export const SOUNDS = 8;
export const FRAMES = 80;
const BANDS = 16;
/** A frame is judged from itself and this many to each side. */
const CONTEXT = 4;

export interface ScenesSize {
  /** Scenes in each part. */
  train: number;
  validation: number;
  test: number;
  /** 1: the mean level of both microphones. 2: also how much louder the left one is. */
  channels: 1 | 2;
  /** Mean number of events in a scene. */
  events: number;
  seed: number;
}

export interface SoundScenes {
  inputs: number;
  train: MultilabelExamples;
  validation: MultilabelExamples;
  test: MultilabelExamples;
}

export const soundScenes = remember(({ train, validation, test, channels, events, seed }: ScenesSize) => {
  const root = random(seed).split("scenes");
  const part = (name: string, count: number) => examples(root.split(name), count, channels, events);
  return {
    inputs: BANDS * channels * (2 * CONTEXT + 1),
    train: part("train", train),
    validation: part("validation", validation),
    test: part("test", test),
  };
}, 4);

const bump = (band: number, center: number, width = 0.8) => Math.exp(-(((band - center) / width) ** 2) / 2);

/** Power of each kind in a band: `t` runs from 0 to 1 over the event, `frame` counts, `pitch` is the event's own. */
const sounds: ((band: number, t: number, frame: number, pitch: number) => number)[] = [
  (band, t, _, pitch) => bump(band, pitch + 6 * t), // rising chirp
  (band, t, _, pitch) => bump(band, pitch + 6 * (1 - t)), // falling chirp
  (band, _t, _f, pitch) => bump(band, pitch) + 0.6 * bump(band, pitch + 4) + 0.4 * bump(band, pitch + 6.3), // tone with overtones
  () => 0.5, // noise
  (_b, _t, frame) => (frame % 4 === 0 ? 1 : 0), // clicks
  (band, _t, frame) => (band >= 8 ? 0.5 + 0.5 * Math.sin(frame * 1.3) : 0), // throbbing hiss
  (band, _t, frame, pitch) => bump(band, pitch + 3 + 3 * Math.sin(frame * 0.6)), // siren
  (band, t) => (band < 4 ? Math.exp(-4 * t) : 0), // thump
];

function examples(draw: Random, scenes: number, channels: number, events: number): MultilabelExamples {
  const targets = new Float32Array(scenes * FRAMES * SOUNDS);
  const width = BANDS * channels;
  const inputs = width * (2 * CONTEXT + 1);
  const x = new Float32Array(scenes * FRAMES * inputs);
  for (let scene = 0; scene < scenes; scene++) {
    const levels = listen(draw, events, targets.subarray(scene * FRAMES * SOUNDS), channels);
    for (let frame = 0; frame < FRAMES; frame++)
      for (let offset = -CONTEXT; offset <= CONTEXT; offset++) {
        const at = frame + offset;
        if (at >= 0 && at < FRAMES)
          x.set(
            levels.subarray(at * width, (at + 1) * width),
            (scene * FRAMES + frame) * inputs + (offset + CONTEXT) * width,
          );
      }
  }
  return { x, targets };
}

/** One scene: marks its events in `targets` and returns what is heard, [FRAMES, bands · channels]. */
function listen(draw: Random, events: number, targets: Float32Array, channels: number): Float32Array {
  const left = new Float64Array(FRAMES * BANDS);
  const right = new Float64Array(FRAMES * BANDS);
  const count = draw.integer(1, 2 * events);
  for (let event = 0; event < count; event++) {
    const sound = draw.integer(0, SOUNDS);
    const length = Math.round(4 * 6 ** draw.next());
    const start = draw.integer(0, FRAMES - length + 1);
    const gain = 10 ** (draw.next() * 1.5 - 0.5); // -5 to 10 dB above the background
    const [pan, pitch] = [draw.next(), 2 + 7 * draw.next()];
    for (let i = 0; i < length; i++) {
      targets[(start + i) * SOUNDS + sound] = 1;
      for (let band = 0; band < BANDS; band++) {
        const power = gain * sounds[sound]!(band, i / length, i, pitch);
        left[(start + i) * BANDS + band]! += 2 * pan * power;
        right[(start + i) * BANDS + band]! += 2 * (1 - pan) * power;
      }
    }
  }
  // The power of a band of noise-like sound is about exponential; a band averages four such values.
  const speckle = () => draw.exponential(4).reduce((a, b) => a + b) / 4;
  const levels = new Float32Array(FRAMES * BANDS * channels);
  for (let frame = 0; frame < FRAMES; frame++)
    for (let band = 0; band < BANDS; band++) {
      const at = frame * BANDS + band;
      const [l, r] = [(left[at]! + 1) * speckle(), (right[at]! + 1) * speckle()];
      levels[frame * BANDS * channels + band] = Math.log((l + r) / 2);
      if (channels === 2) levels[frame * BANDS * channels + BANDS + band] = Math.log(l / r);
    }
  return levels;
}
