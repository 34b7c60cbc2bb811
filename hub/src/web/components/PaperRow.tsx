import type { Paper } from "../../types.ts";
import { asWords } from "../format.ts";
import { plainProse } from "../prose.ts";
import { paperAddress } from "../route.ts";
import { DecisionBadges } from "./DecisionBadge.tsx";
import { Link } from "./Link.tsx";

/** A paper in a list: what it is, in brief, and how far its claim has got. */
export function PaperRow({ paper, withFamily }: { paper: Paper; withFamily: boolean }) {
  const facts = [paper.year, withFamily && paper.family && asWords(paper.family), paper.kind].filter(Boolean);
  const text = paper.summary ?? paper.abstract;
  return (
    <li className="paper">
      <span className="paper-number">{paper.number}</span>
      <div className="paper-body">
        <p className="paper-title">
          <Link className="paper-link" href={paperAddress(paper.slug)}>
            {paper.title}
          </Link>
        </p>
        <p className="facts">{facts.join(" · ")}</p>
        {text && <p className="paper-summary">{plainProse(text)}</p>}
      </div>
      <div className="paper-badges">
        <DecisionBadges verdicts={paper.verdicts} />
        {paper.runnable && paper.verdicts.length === 0 && <span className="badge runnable">runnable</span>}
      </div>
    </li>
  );
}
