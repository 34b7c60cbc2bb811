export * from "./runtime/index.ts";
export * from "./tensor/index.ts";
export { leaves, mapTree, type Tree, zipTrees } from "./tree.ts";
