export * from "./asymmetric-pseudo-labels.ts";
export * from "./audit.ts";
export * from "./ensemble.ts";
export * from "./formats.ts";
export * from "./mine.ts";
export * from "./pad.ts";
export * from "./report.ts";
export * from "./saha.ts";
export { type Dropped, type Selection, type SelectionOptions, selectNegatives } from "./select.ts";
