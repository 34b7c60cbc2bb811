import { Link } from "./Link.tsx";

export function Header() {
  return (
    <header className="header">
      <Link className="brand" href="/" aria-label="nearmiss, to the collection">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <circle className="ring" cx="14" cy="18" r="11.5" />
          <circle className="ring" cx="14" cy="18" r="4.8" />
          <circle className="shot" cx="27.4" cy="4.6" r="3.8" />
        </svg>
        nearmiss
      </Link>
      <p className="motto">Machine-learning papers that run</p>
    </header>
  );
}
