import { importLines } from "../imports.ts";
import { CodeBlock } from "./CodeBlock.tsx";

/** How to use the paper's method in one's own code and from the command line. */
export function UseIt({ slug, exports }: { slug: string; exports: string[] }) {
  return (
    <section aria-labelledby="use-heading">
      <h2 id="use-heading">Use it</h2>
      {exports.length > 0 && <CodeBlock text={importLines(exports).join("\n")} label="the import" />}
      <CodeBlock text={`npx nearmiss run ${slug}`} label="the command" />
    </section>
  );
}
