/**
 * Text to integers and back. All tokenisers of this folder have one shape: `size` indices,
 * `encode` and `decode`. Byte and character tokenisers are here, byte-pair encoding is in `bpe.ts`.
 */
export interface Tokenizer {
  /** Number of tokens: rows of an embedding table. */
  size: number;
  encode(text: string): Int32Array;
  /** @throws RangeError for an index outside 0 … size - 1 */
  decode(tokens: ArrayLike<number>): string;
}

/**
 * A text's UTF-8 bytes as tokens 0 … 255. Nothing is unknown to it; `decode` shows bytes that are no
 * UTF-8 as U+FFFD, and `encode` does so with lone surrogates.
 */
export function byteTokenizer(): Tokenizer {
  return {
    size: 256,
    encode: (text) => Int32Array.from(encoder.encode(text)),
    decode(tokens) {
      checkTokens(tokens, 256);
      return decoder.decode(Uint8Array.from(tokens));
    },
  };
}

export interface CharacterOptions {
  /** Characters that occur less often are unknown. Default 1: all are kept. */
  minCount?: number;
}

export interface CharacterTokenizer extends Tokenizer {
  /** Token to character; `characters[0]` is padding, the empty text, `characters[1]` U+FFFD, the unknown one. */
  characters: string[];
}

/**
 * The characters (Unicode code points) of the given texts as tokens, in code point order from 2 on;
 * 0 is padding, which decodes to nothing, 1 an unknown character, which decodes to U+FFFD.
 */
export function characterTokenizer(
  texts: Iterable<string>,
  options: CharacterOptions = {},
): CharacterTokenizer {
  const { minCount = 1 } = options;
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  const kept = [...counts.keys()].filter((character) => counts.get(character)! >= minCount);
  const characters = ["", "\ufffd", ...kept.sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!)];
  const indices = new Map(characters.map((character, token) => [character, token]));
  return {
    size: characters.length,
    characters,
    encode: (text) => Int32Array.from(text, (character) => indices.get(character) ?? 1),
    decode(tokens) {
      checkTokens(tokens, characters.length);
      return Array.from(tokens, (token) => characters[token]).join("");
    },
  };
}

export function checkTokens(tokens: ArrayLike<number>, size: number): void {
  for (let i = 0; i < tokens.length; i++)
    if (!(Number.isInteger(tokens[i]) && tokens[i] >= 0 && tokens[i] < size))
      throw new RangeError(`decode: token ${i} is ${tokens[i]}, outside 0 to ${size - 1}`);
}

const encoder = new TextEncoder();
// A byte order mark is text like any other here: decoding must undo encoding.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
