import katex from "katex";
import "katex/dist/katex.min.css";

/** Renders a formula. Loaded only where there is one (see `Formula.tsx`). */
export default function Tex({ source, display }: { source: string; display: boolean }) {
  const html = katex.renderToString(source, {
    displayMode: display,
    throwOnError: false,
    errorColor: "inherit",
  });
  // biome-ignore lint/security/noDangerouslySetInnerHtml: KaTeX escapes its input and is not told to trust it
  return <span dangerouslySetInnerHTML={{ __html: html }} />;
}
