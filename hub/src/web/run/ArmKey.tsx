import { armColour, armDash } from "./armStyle.ts";

/** A short piece of an arm's line. */
export function ArmKey({ index }: { index: number }) {
  return (
    <svg className="arm-key" viewBox="0 0 28 10" aria-hidden="true">
      <line x1="1" y1="5" x2="27" y2="5" stroke={armColour(index)} strokeDasharray={armDash(index)} />
    </svg>
  );
}
