import { lazy, Suspense } from "react";
import { Scrollable } from "./Scrollable.tsx";

const Tex = lazy(() => import("./Tex.tsx"));

/** A formula: its source until KaTeX is loaded, then typeset. */
export function Formula({ source, display = false }: { source: string; display?: boolean }) {
  const waiting = <code className="formula-source">{source}</code>;
  const tex = (
    <Suspense fallback={waiting}>
      <Tex source={source} display={display} />
    </Suspense>
  );
  if (!display) return tex;
  return (
    <Scrollable className="formula" label="Formula">
      {tex}
    </Scrollable>
  );
}
