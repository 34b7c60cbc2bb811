export * from "./ada-grad.ts";
export * from "./adam.ts";
export * from "./averages.ts";
export * from "./gradients.ts";
export * from "./lion.ts";
export type { Counted, LearningRate, Optimizer, Schedule } from "./optimizer.ts";
export * from "./rms-prop.ts";
export * as schedules from "./schedules.ts";
export * from "./sgd.ts";
