import { splitProse } from "../prose.ts";
import { Formula } from "./Formula.tsx";

/** A paragraph with its formulas typeset and its code marked. */
export function Prose({ text }: { text: string }) {
  return (
    <p>
      {splitProse(text).map((part, index) => {
        const key = `${index} ${part.kind}`;
        if (part.kind === "formula") return <Formula key={key} source={part.text} />;
        if (part.kind === "code") return <code key={key}>{part.text}</code>;
        return part.text;
      })}
    </p>
  );
}
