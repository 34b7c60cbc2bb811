export * from "./arithmetic-chains.ts";
export { type AugmentOptions, augment } from "./augment.ts";
export { type BatchOptions, batches, type Rows, take } from "./batches.ts";
export {
  type CleaningOptions,
  type ExtrinsicOptions,
  extrinsicSuspects,
  intrinsicSuspects,
  type SuspectLabels,
} from "./cleaning.ts";
export { type Country, countries } from "./countries.ts";
export { type CropBox, cropResize } from "./crop-resize.ts";
export {
  type Column,
  type ColumnType,
  type CsvOptions,
  columnOf,
  parseCsv,
  readCsv,
  type Table,
} from "./csv.ts";
export {
  type Entry,
  type LabelledTexts,
  nounSupersenses,
  type ReverseDictionaryOptions,
  reverseDictionary,
  type SplitSizes,
  supersenses,
} from "./definitions.ts";
export { type ColumnDescription, describeColumns } from "./describe-columns.ts";
export { type Email, type EmailOptions, spamAssassin } from "./emails.ts";
export {
  type CountryFactOptions,
  type CountryRelation,
  countryFacts,
  countryRelations,
  type Fact,
  factSentences,
  factTemplates,
} from "./facts.ts";
export {
  type ColumnEncoding,
  cellText,
  encodeFeatures,
  type FeatureEncoder,
  type FeatureOptions,
  featureTypes,
  fitFeatures,
} from "./features.ts";
export { gaussianHeatmap, type HeatmapObject } from "./gaussian-heatmap.ts";
export {
  type ContinuousLwe,
  type ContinuousLweOptions,
  continuousLwe,
  type HiddenDirection,
  type HiddenDirectionOptions,
  hiddenDirectionHalfspace,
} from "./hidden-direction.ts";
export { type IncrementalTask, taskStream } from "./incremental.ts";
export {
  type InstabilityOptions,
  type InstabilityRun,
  instabilityRuns,
  instabilitySensors,
} from "./instability-runs.ts";
export { type Interactions, type SpeechInteractionOptions, speechInteractions } from "./interactions.ts";
export { type JsonlOptions, parseJsonl, readJsonl } from "./jsonl.ts";
export {
  countryGraph,
  type KnowledgeGraph,
  splitTriples,
  type Triple,
  type WordNetGraphOptions,
  withInverses,
  wordnetGraph,
} from "./knowledge-graph.ts";
export {
  type IntentRows,
  LATENT_FEATURES,
  type LatentIntentOptions,
  type LatentIntentWorld,
  latentIntentWorld,
} from "./latent-intents.ts";
export { type LearnabilityOptions, learnabilityScore, selectTop } from "./learnability.ts";
export { logSessions, logWindows } from "./log-sequences.ts";
export { exponentialImbalance, sampleByClass } from "./long-tail.ts";
export { type Digits, type MnistOptions, mnist } from "./mnist.ts";
export { type Clip, extractNoiseSequences, mixNoise, type NoiseSequenceOptions } from "./noise-sequences.ts";
export { type OversampleOptions, oversampleMinority } from "./oversample-minority.ts";
export { type Pronunciation, phonemeManners, pronunciations } from "./pronunciations.ts";
export { type RotatePatchesOptions, rotatePatches } from "./rotate-patches.ts";
export { type ScatteredDigitOptions, type ScatteredDigits, scatteredDigits } from "./scattered-digits.ts";
export { type SensorReading, sensorReadings } from "./sensors.ts";
export {
  type NeuronAdversary,
  type NeuronInputs,
  type SingleNeuron,
  type SingleNeuronOptions,
  singleNeuronProblem,
} from "./single-neuron.ts";
export { type SpectrumImage, type SpectrumImageOptions, spectrumImage } from "./spectrum-image.ts";
export { type SplitOptions, split } from "./split.ts";
export { synonymLists } from "./synonyms.ts";
export {
  type BlobOptions,
  gaussianBlobs,
  type LabelledPoints,
  type LinearGaussianOptions,
  linearGaussian,
  type MarkovOptions,
  markovChains,
  type PointOptions,
  type SpiralOptions,
  spirals,
  twoMoons,
} from "./synthetic.ts";
export {
  bostonHouses,
  houseFeatures,
  type Price,
  sharePrices,
  type Tract,
  type Wage,
  wages,
} from "./tables.ts";
export type { TextFileOptions } from "./text-file.ts";
export { type Chapter, mobyDick, type Speech, speeches } from "./texts.ts";
export {
  type Bags,
  type IncompleteObservationOptions,
  incompleteObservations,
  labelSomePositives,
  makeBags,
  type PropensityOptions,
  propensities,
} from "./weak.ts";
export {
  lexicographerFiles,
  type PartOfSpeech,
  type Pointer,
  type Relation,
  type Synset,
  type WordNet,
  wordnet,
} from "./wordnet.ts";
export { wuPalmer } from "./wu-palmer.ts";
