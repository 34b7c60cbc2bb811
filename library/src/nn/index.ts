export * from "./layers.ts";
