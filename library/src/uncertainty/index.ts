export * from "./anomaly.ts";
export * from "./conformal.ts";
export * from "./set-losses.ts";
