import libraryExports from "virtual:library-exports";
import { importLines } from "../imports.ts";
import { CodeBlock } from "./CodeBlock.tsx";

interface Properties {
  slug: string;
  /** The card's exports; those that the library does not have yet are not offered. */
  exports: string[];
  runnable: boolean;
}

/** How to use the paper's method in one's own code, and how to run it from the command line. */
export function UseIt({ slug, exports, runnable }: Properties) {
  const imports = importLines(exports, libraryExports);
  if (imports.length === 0 && !runnable) return null;
  return (
    <section aria-labelledby="use-heading">
      <h2 id="use-heading">Use it</h2>
      {imports.length > 0 && <CodeBlock text={imports.join("\n")} label="the import" />}
      {runnable && <CodeBlock text={`npx nearmiss run ${slug}`} label="the command" />}
    </section>
  );
}
