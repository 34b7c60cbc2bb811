/**
 * A process that takes one gradient and prints by how many bytes that raised the most memory it ever held:
 * `node gradient-memory.ts full|cached BATCH`.
 */
import { gradientCache } from "../../fit.ts";
import { infoNCE } from "../../losses/index.ts";
import { transformerEncoder } from "../../nn/index.ts";
import { random } from "../../random.ts";
import { compile } from "../../runtime/index.ts";
import { fromData, mean, type Tensor, valueAndGrad, values } from "../../tensor/index.ts";

const [way, size] = process.argv.slice(2);
const batch = Number(size);
const [length, width] = [16, 32];
const model = transformerEncoder({ layers: 1, width, heads: 2 });
const root = random(1);
const params = model.init(root.split("weights"));
const texts = (from: number, count: number) =>
  fromData(root.split(from).normal(count * length * width), [count, length, width]);
const encode = (p: typeof params, x: Tensor) => mean(model.apply(p, x), { axis: 1 });
const loss = (all: Tensor) => infoNCE(all, all);

const cached = gradientCache({ encode, loss, threads: 1 });
const full = compile(
  valueAndGrad((p: typeof params, x: Tensor) => loss(encode(p, x))),
  { threads: 1 },
);
const peak = () => process.resourceUsage().maxRSS * 1024;
const gradientOf = async (n: number) => {
  const chunk = 8;
  if (way === "full") values((await full(params, texts(0, n)))[0]);
  else
    await cached(
      params,
      Array.from({ length: n / chunk }, (_, i) => texts(i, chunk)),
    );
};
await gradientOf(8);
const before = peak();
await gradientOf(batch);
console.log(peak() - before);
