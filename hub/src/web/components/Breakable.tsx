import { Fragment } from "react";

/** A name such as "rescaledSquare" that may break before its capitals where space is short. */
export function Breakable({ name }: { name: string }) {
  return name.split(/(?=[A-Z][a-z])/).map((part, index) => (
    <Fragment key={`${index} ${part}`}>
      {index > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}
