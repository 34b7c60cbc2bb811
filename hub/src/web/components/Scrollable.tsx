import type { ReactNode } from "react";

/** What may be wider than its place: it scrolls sideways, by keyboard too. */
export function Scrollable({
  label,
  className,
  children,
}: {
  label: string;
  className: string;
  children: ReactNode;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without focus the keyboard cannot scroll it
    <section className={className} aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
