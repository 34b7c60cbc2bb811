export { fisherDiagonal } from "./fisher.ts";
export {
  chooseAlpha,
  type InterpolationOptions,
  interpolateWeights,
  normalizeImportance,
  weightSoup,
} from "./interpolate.ts";
