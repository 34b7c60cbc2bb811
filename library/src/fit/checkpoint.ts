/**
 * Runs as files: the state, the best state so far and how far training had come, in one safetensors file.
 * Everything that a run goes on from is in it, so a resumed run takes the steps of an uninterrupted one.
 */
import { loadSafetensors, readSafetensors, saveSafetensors } from "../nn/index.ts";

export interface Best<State> {
  step: number;
  value: number;
  state: State;
}

export interface Checkpoint<State> {
  state: State;
  /** Steps taken. */
  step: number;
  best?: Best<State>;
  /** Evaluations since the best one. */
  worse: number;
}

/** All of a checkpoint but its tensors. */
interface Position {
  step: number;
  worse: number;
  best?: { step: number; value: number };
  identity: Record<string, string>;
}

export function saveCheckpoint<State>(
  { state, step, best, worse }: Checkpoint<State>,
  identity: Record<string, string> = {},
): Uint8Array<ArrayBuffer> {
  const position: Position = {
    step,
    worse,
    ...(best ? { best: { step: best.step, value: best.value } } : {}),
    identity,
  };
  return saveSafetensors({ state, ...(best ? { best: best.state } : {}) }, { fit: JSON.stringify(position) });
}

/**
 * How far a checkpoint's run had come, without its state.
 *
 * @throws RangeError for bytes that are no checkpoint.
 */
export function readCheckpoint(bytes: Uint8Array): Position {
  const { metadata } = readSafetensors(bytes);
  let position: Position | undefined;
  try {
    position = JSON.parse(metadata.fit ?? "null");
  } catch {}
  if (!Number.isSafeInteger(position?.step))
    throw new RangeError("fit: resume is a safetensors file, but none that fit saved");
  return position!;
}

/**
 * @param like A state of the run's form, for instance the one that it started with.
 * @throws RangeError if the checkpoint is of another run: another form of state, or another identity.
 */
export function loadCheckpoint<State>(
  bytes: Uint8Array,
  like: State,
  identity: Record<string, string> = {},
): Checkpoint<State> {
  const { step, worse, best, identity: stored } = readCheckpoint(bytes);
  for (const name of new Set([...Object.keys(stored), ...Object.keys(identity)])) {
    if (stored[name] !== identity[name])
      throw new RangeError(
        `fit: resume was saved by a run with ${name} "${stored[name]}"; this one has "${identity[name]}"`,
      );
  }
  const trees = loadSafetensors(bytes, { state: like, ...(best ? { best: like } : {}) });
  return {
    state: trees.state,
    step,
    worse,
    ...(best ? { best: { ...best, state: trees.best as State } } : {}),
  };
}
