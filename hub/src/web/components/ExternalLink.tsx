import type { ReactNode } from "react";
import { webAddress } from "../route.ts";

/** A link out of the hub; nothing at all where the address is not one of the web. */
export function ExternalLink({ href, children }: { href: string | undefined; children: ReactNode }) {
  const address = webAddress(href);
  if (!address) return null;
  return (
    <a className="external" href={address} rel="noreferrer">
      {children}
    </a>
  );
}
