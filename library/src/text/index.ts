export {
  type BpeModel,
  type BpeOptions,
  type BpeTokenizer,
  bpeTokenizer,
  piecesOf,
  trainBpe,
} from "./bpe.ts";
export { commonSubsequence } from "./common-subsequence.ts";
export { hash32 } from "./hash.ts";
export { characterNgrams, denseBag, type HashedBag, type HashedBagOptions, hashedBag } from "./hashed-bag.ts";
export { type HuffmanTree, huffmanTree } from "./huffman.ts";
export { type LogTemplates, logTemplates } from "./log-templates.ts";
export { maskLogVariables } from "./mask-log-variables.ts";
export { type NormalizeOptions, normalizeText } from "./normalize.ts";
export { countPairs, learnPhrases, type PhraseOptions, phraseScore } from "./phrases.ts";
export { type PublishedTokenizer, publishedTokenizer } from "./published.ts";
export {
  type SkipGram,
  type SkipGramObjective,
  type SkipGramOptions,
  skipGramStep,
  trainSkipGram,
} from "./skip-gram.ts";
export {
  byteTokenizer,
  type CharacterOptions,
  type CharacterTokenizer,
  characterTokenizer,
  type Tokenizer,
} from "./tokenizers.ts";
export {
  type EncodedTexts,
  padding,
  unknown,
  type Vocabulary,
  type VocabularyOptions,
  vocabulary,
} from "./vocabulary.ts";
export { fold, words } from "./words.ts";
