/** Likelihoods of residuals whose scale is predicted too; see `gaussianNLL` for the normal one by its variance. */

import gammaln from "@stdlib/math-base-special-gammaln";
import { abs, add, exp, log1p, multiply, negate, square, type Tensor } from "../tensor/index.ts";
import { requireSameShape } from "./elements.ts";
import { type LossOptions, reduce } from "./reduction.ts";

/**
 * Negative log-likelihood of a Laplace distribution: |r| e^{−s} + s + ln 2, nats. Large residuals count linearly.
 *
 * @param residuals r, any shape, in units of the targets.
 * @param logScales s = ln b, the same shape.
 * @returns A scalar, or the shape of the residuals with reduction "none".
 */
export function laplaceNLL(residuals: Tensor, logScales: Tensor, { reduction }: LossOptions = {}): Tensor {
  requireSameShape("laplaceNLL", residuals, logScales);
  const misfit = multiply(abs(residuals), exp(negate(logScales)));
  return reduce(add(add(misfit, logScales), Math.LN2), reduction);
}

/**
 * Negative log-likelihood of Student's t: (ν + 1)/2 ln(1 + r² e^{−2s} / ν) + s + ln B(½, ν/2) + ½ ln ν, nats. Large
 * residuals count logarithmically. For large ν it nears the normal one.
 *
 * @param residuals r, any shape, in units of the targets.
 * @param logScales s, the logarithm of the scale, the same shape.
 * @param options.degreesOfFreedom ν. Default: 3.
 * @returns A scalar, or the shape of the residuals with reduction "none".
 */
export function studentTNLL(
  residuals: Tensor,
  logScales: Tensor,
  { degreesOfFreedom = 3, reduction }: LossOptions & { degreesOfFreedom?: number } = {},
): Tensor {
  requireSameShape("studentTNLL", residuals, logScales);
  if (!(degreesOfFreedom > 0 && Number.isFinite(degreesOfFreedom)))
    throw new RangeError(`studentTNLL: degreesOfFreedom is ${degreesOfFreedom}; expected a number above 0`);
  const half = degreesOfFreedom / 2;
  const constant = gammaln(0.5) + gammaln(half) - gammaln(half + 0.5) + Math.log(degreesOfFreedom) / 2;
  const ratio = multiply(square(multiply(residuals, exp(negate(logScales)))), 1 / degreesOfFreedom);
  const misfit = multiply(log1p(ratio), half + 0.5);
  return reduce(add(add(misfit, logScales), constant), reduction);
}
