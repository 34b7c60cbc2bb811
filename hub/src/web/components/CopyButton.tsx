import { useEffect, useState } from "react";

/** Copies a text; where the browser refuses (no secure address), it says so. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const [outcome, setOutcome] = useState<"copied" | "refused">();

  useEffect(() => {
    if (!outcome) return;
    const timer = setTimeout(() => setOutcome(undefined), 2000);
    return () => clearTimeout(timer);
  }, [outcome]);

  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome("copied");
    } catch {
      setOutcome("refused");
    }
  }

  return (
    <button type="button" className="copy" onClick={copy} aria-label={label}>
      <span aria-live="polite">
        {outcome === "copied" ? "Copied" : outcome === "refused" ? "Copy by hand" : "Copy"}
      </span>
    </button>
  );
}
