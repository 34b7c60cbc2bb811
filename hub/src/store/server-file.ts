/** How the command line finds the server that owns a home folder: an address in `server.json`. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Home } from "./home.ts";
import { livingOwner } from "./lock.ts";

/** Tells others where this process, which owns the home folder, answers. */
export function writeServerFile(home: Home, url: string): void {
  writeFileSync(home.server, JSON.stringify({ pid: process.pid, url }));
}

export function removeServerFile(home: Home): void {
  rmSync(home.server, { force: true });
}

/** The address of the server that owns the home folder now, or undefined. */
export function findServer(home: Home): string | undefined {
  const owner = livingOwner(home);
  if (owner === undefined) return undefined;
  try {
    const { pid, url } = JSON.parse(readFileSync(home.server, "utf8"));
    return pid === owner.pid && typeof url === "string" ? url : undefined;
  } catch {
    return undefined;
  }
}
