/** Grey lines in the place of text that is being loaded. */
export function Placeholder({ lines, label }: { lines: number; label: string }) {
  return (
    <div className="placeholder" role="status">
      <span className="visually-hidden">{label}</span>
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines are all alike
        <span key={line} className="placeholder-line" />
      ))}
    </div>
  );
}
