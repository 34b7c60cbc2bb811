import type { Paper } from "../../types.ts";
import { PaperRow } from "./PaperRow.tsx";

/** `withFamily` names each paper's family, for lists that are not sorted by it. */
export function PaperList({ papers, withFamily = false }: { papers: Paper[]; withFamily?: boolean }) {
  return (
    <ol className="papers">
      {papers.map((paper) => (
        <PaperRow key={paper.slug} paper={paper} withFamily={withFamily} />
      ))}
    </ol>
  );
}
