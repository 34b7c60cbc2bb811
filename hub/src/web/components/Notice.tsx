import type { ReactNode } from "react";

interface Properties {
  title: string;
  children?: ReactNode;
  /** Quiet: not an error, only worth knowing. */
  quiet?: boolean;
  action?: { label: string; run: () => void };
}

/** Says that something is missing or went wrong, and what can be done. */
export function Notice({ title, children, quiet = false, action }: Properties) {
  return (
    <div className={quiet ? "notice quiet" : "notice"} role={quiet ? undefined : "alert"}>
      <p className="notice-title">{title}</p>
      {children && <p>{children}</p>}
      {action && (
        <button type="button" className="button" onClick={action.run}>
          {action.label}
        </button>
      )}
    </div>
  );
}
