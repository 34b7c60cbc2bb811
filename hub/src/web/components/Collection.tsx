import { families } from "@nearmiss/papers/card";
import type { Paper } from "../../types.ts";
import { asWords, capitalize } from "../format.ts";
import { PaperList } from "./PaperList.tsx";

/** All papers: what can be run first, each part by family. */
export function Collection({ papers }: { papers: Paper[] }) {
  const runnable = papers.filter((paper) => paper.runnable);
  const others = papers.filter((paper) => !paper.runnable);
  return (
    <>
      <Part title="Ready to run" papers={runnable} />
      <Part title="Not runnable yet" papers={others} />
    </>
  );
}

function Part({ title, papers }: { title: string; papers: Paper[] }) {
  if (papers.length === 0) return null;
  const groups = byFamily(papers);
  return (
    <section className="part">
      <h2>
        {title} <span className="count">{papers.length}</span>
      </h2>
      {groups.map(({ family, members }) => (
        <section key={family} aria-label={family}>
          {groups.length > 1 && <h3 className="family">{family}</h3>}
          <PaperList papers={members} />
        </section>
      ))}
    </section>
  );
}

function byFamily(papers: Paper[]): { family: string; members: Paper[] }[] {
  return [...families, undefined]
    .map((family) => ({
      family: family ? capitalize(asWords(family)) : "Other",
      members: papers.filter((paper) => paper.family === family),
    }))
    .filter((group) => group.members.length > 0);
}
