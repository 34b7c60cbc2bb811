export * from "./optimizers.ts";
