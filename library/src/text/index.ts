export { hash32 } from "./hash.ts";
export { characterNgrams, denseBag, type HashedBag, type HashedBagOptions, hashedBag } from "./hashed-bag.ts";
export {
  type EncodedTexts,
  padding,
  unknown,
  type Vocabulary,
  type VocabularyOptions,
  vocabulary,
} from "./vocabulary.ts";
export { fold, words } from "./words.ts";
