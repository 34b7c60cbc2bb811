import { Component, type ReactNode } from "react";
import { Notice } from "./Notice.tsx";

/** Keeps a page that fails to draw (or part of which fails to load) from blanking the whole window. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  render() {
    if (!this.state.failed) return this.props.children;
    return (
      <Notice
        title="This part of the page did not load"
        action={{ label: "Load the page again", run: () => location.reload() }}
      >
        Either the hub went away or was updated since the page was opened.
      </Notice>
    );
  }
}
