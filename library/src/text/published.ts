import type { Tokenizer } from "./tokenizers.ts";

export interface PublishedTokenizer extends Tokenizer {
  /** Texts of the tokens that a text is cut into, special ones included. */
  pieces(text: string): string[];
}

// Parts that a file may leave out, but that its reader asks for.
const noParts = {
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: null,
};

/**
 * A tokenizer as models are published with (WordPiece, Unigram, byte-pair encoding …), in the shape of
 * this library's own. Read by `@huggingface/tokenizers`.
 *
 * @param tokenizerJson What a model's `tokenizer.json` holds, parsed.
 * @param config What its `tokenizer_config.json` holds, parsed. Default: none.
 * @param options.special Whether `encode` adds the special tokens that the model wants around a text.
 *   Default: true.
 * @throws TypeError (the promise is rejected) where `tokenizerJson` is no tokenizer
 */
export async function publishedTokenizer(
  tokenizerJson: object,
  config: object = {},
  { special = true }: { special?: boolean } = {},
): Promise<PublishedTokenizer> {
  const { model, added_tokens: added = [] } = tokenizerJson as {
    model?: { vocab?: Record<string, number> | unknown[] };
    added_tokens?: { id: number }[];
  };
  if (!model?.vocab)
    throw new TypeError("tokenizerJson: it has no model.vocab; expected what a tokenizer.json holds");
  // Loaded here, so that who only splits words does not pay for it.
  const { Tokenizer: HuggingFaceTokenizer } = await import("@huggingface/tokenizers");
  const tokenizer = new HuggingFaceTokenizer({ ...noParts, ...tokenizerJson }, config);
  const ids = Array.isArray(model.vocab) ? model.vocab.map((_, i) => i) : Object.values(model.vocab);
  const size =
    Math.max(
      ...added.map(({ id }) => id),
      ids.reduce((most, id) => Math.max(most, id), -1),
    ) + 1;
  const options = { add_special_tokens: special };
  return {
    size,
    encode: (text) => Int32Array.from(tokenizer.encode(text, options).ids),
    pieces: (text) => tokenizer.encode(text, options).tokens,
    decode(tokens) {
      const list = Array.from(tokens);
      const wrong = list.find((token) => !(Number.isInteger(token) && token >= 0 && token < size));
      if (wrong !== undefined) throw new RangeError(`decode: token ${wrong} is not in 0 … ${size - 1}`);
      return list.length === 0 ? "" : tokenizer.decode(list, { skip_special_tokens: true });
    },
  };
}
