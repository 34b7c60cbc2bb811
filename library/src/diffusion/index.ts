/**
 * Diffusion models: noise schedules, the forward process and its parametrisations, the denoising loss, samplers; scores
 * and what follows from them.
 *
 * Everything in graphs is a function of tensors; `ddim` runs on rows outside of them, so that the noise
 * predictor may be a compiled network or an exact formula.
 */
export * from "./ar-dae.ts";
export * from "./ddim.ts";
export * from "./denoising-loss.ts";
export * from "./denoising-preference.ts";
export * from "./expected-perturbation-score.ts";
export * from "./guidance.ts";
export * from "./huber-schedule.ts";
export * from "./interval-clusters.ts";
export * from "./likelihood-score.ts";
export * from "./multiplicative.ts";
export * from "./negative-aware.ts";
export * from "./normalized-attention-guidance.ts";
export * from "./predictions.ts";
export * from "./reward-feedback.ts";
export * from "./schedules.ts";
export * from "./time-embedding.ts";
export * from "./tweedie.ts";
export * from "./variational.ts";
