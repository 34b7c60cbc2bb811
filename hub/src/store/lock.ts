/**
 * One owner at a time: a file in the home folder names the process that has the database open. The
 * lock of a process that has died is taken over. Processes are told apart by their number, when they
 * started and the machine's boot, so that a recycled process number does not keep a lock alive.
 */
import { linkSync, mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { createHome, type Home, StoreError, unavailable } from "./home.ts";

export interface Owner {
  pid: number;
  host: string;
  /** Boot and start time of the process, where the system tells them. */
  started?: string;
  /** What the process is, for messages: "nearmiss serve". */
  command: string;
}

/**
 * Takes the lock; the returned function gives it back, as does the end of the process.
 *
 * @throws StoreError "busy" where a living process has it
 */
export async function acquireLock(home: Home, command: string): Promise<() => void> {
  createHome(home);
  const me: Owner = { pid: process.pid, host: hostname(), started: startOf(process.pid), command };
  try {
    while (!claim(home, me)) {
      const owner = readOwner(home);
      if (owner !== undefined && isAlive(owner)) throw busy(home, owner);
      await removeStale(home);
    }
  } catch (cause) {
    throw cause instanceof StoreError ? cause : unavailable(home, cause);
  }
  const release = () => {
    process.off("exit", release);
    if (readOwner(home)?.pid === process.pid) rmSync(home.owner, { force: true });
  };
  process.on("exit", release);
  return release;
}

/** The living owner of a home folder, or undefined. */
export function livingOwner(home: Home): Owner | undefined {
  const owner = readOwner(home);
  return owner !== undefined && isAlive(owner) ? owner : undefined;
}

/** Writes the owner file whole or not at all: a link to a finished file, which fails where one exists. */
function claim(home: Home, me: Owner): boolean {
  const draft = `${home.owner}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(me));
  try {
    linkSync(draft, home.owner);
    return true;
  } catch (error) {
    if (isCode(error, "EEXIST")) return false;
    throw error;
  } finally {
    rmSync(draft);
  }
}

/**
 * Removes a dead owner's file. Two processes that both saw it dead must not remove one after the
 * other, or the second would remove the lock that the first took meanwhile: hence a folder, which
 * only one can create, around looking again and removing.
 */
async function removeStale(home: Home): Promise<void> {
  const guard = `${home.owner}.takeover`;
  try {
    mkdirSync(guard);
  } catch (error) {
    if (!isCode(error, "EEXIST")) throw error;
    // Held for microseconds; an old one belongs to a process that died within them.
    if (isOlderThan(guard, 10_000)) removeGuard(guard);
    await wait(20);
    return;
  }
  try {
    const owner = readOwner(home);
    if (owner === undefined || !isAlive(owner)) rmSync(home.owner, { force: true });
  } finally {
    removeGuard(guard);
  }
}

function readOwner(home: Home): Owner | undefined {
  try {
    const owner = JSON.parse(readFileSync(home.owner, "utf8"));
    return Number.isInteger(owner?.pid) ? owner : undefined;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, host, started }: Owner): boolean {
  // From here a process of another machine cannot be seen; better to ask than to open twice.
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!isCode(error, "EPERM")) return false;
  }
  const now = startOf(pid);
  return now !== "dead" && (started === undefined || now === undefined || now === started);
}

/** Boot and start time of a process on Linux; "dead" for one that only waits for its parent to notice. */
function startOf(pid: number): string | undefined {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    // The name in parentheses may hold spaces; after it come the state (field 3) and on to the start (22).
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? "dead" : `${boot} ${fields[19]}`;
  } catch {
    return undefined;
  }
}

function busy(home: Home, owner: Owner): StoreError {
  const elsewhere = owner.host !== hostname();
  const who = `${owner.command} (process ${owner.pid}${elsewhere ? ` on ${owner.host}` : ""})`;
  const hint = elsewhere
    ? `If it no longer runs, delete ${home.owner}.`
    : "Wait for it or stop it, or set NEARMISS_HOME to another folder.";
  return new StoreError("busy", `The home folder ${home.folder} is in use by ${who}. ${hint}`);
}

function isOlderThan(path: string, milliseconds: number): boolean {
  try {
    return Date.now() - statSync(path).mtimeMs > milliseconds;
  } catch {
    return false;
  }
}

function removeGuard(guard: string): void {
  try {
    rmdirSync(guard);
  } catch {
    // Another process has removed it; the lock itself is claimed atomically all the same.
  }
}

const isCode = (error: unknown, code: string) => (error as NodeJS.ErrnoException).code === code;
