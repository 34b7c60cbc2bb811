import { useEffect, useRef } from "react";
import { flushSync } from "react-dom";
import { ErrorBoundary } from "./components/ErrorBoundary.tsx";
import { Header } from "./components/Header.tsx";
import { Link } from "./components/Link.tsx";
import { navigate, useAddress } from "./navigation.ts";
import { HomePage } from "./pages/HomePage.tsx";
import { MissingPage } from "./pages/MissingPage.tsx";
import { PaperPage } from "./pages/PaperPage.tsx";
import { RunPage } from "./pages/RunPage.tsx";
import { matchRoute } from "./route.ts";

/** The frame around all pages: header, the page at the address, footer. */
export function App() {
  const { pathname } = useAddress();
  const main = useRef<HTMLElement>(null);
  const firstPath = useRef(pathname);

  // A page change moves the keyboard's and the screen reader's place to the new page.
  useEffect(() => {
    if (firstPath.current === pathname) return;
    firstPath.current = "";
    main.current?.focus({ preventScroll: true });
  }, [pathname]);
  useSearchKey();

  return (
    <>
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <Header />
      <main id="main" ref={main} tabIndex={-1}>
        <ErrorBoundary key={pathname}>
          <Page pathname={pathname} />
        </ErrorBoundary>
      </main>
      <footer className="footer">
        <p>
          Runs happen on the hub's own machine. A verdict speaks for the study's scale, not for the paper's.
        </p>
        <p>
          <Link href="/">Collection</Link>
        </p>
      </footer>
    </>
  );
}

function Page({ pathname }: { pathname: string }) {
  const route = matchRoute(pathname);
  switch (route.page) {
    case "home":
      return <HomePage />;
    case "paper":
      return <PaperPage key={route.slug} slug={route.slug} />;
    case "run":
      return <RunPage key={route.id} id={route.id} />;
    case "missing":
      return <MissingPage />;
  }
}

/** The key "/" puts the cursor into the search box, from any page. */
function useSearchKey() {
  useEffect(() => {
    function onKeyDown(event: KeyboardEvent) {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target as HTMLElement;
      if (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName)) return;
      event.preventDefault();
      // The box must be there, and have the focus, before the next key is struck.
      if (location.pathname !== "/") flushSync(() => navigate("/"));
      document.querySelector<HTMLInputElement>("input[type=search]")?.focus();
    }
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, []);
}
