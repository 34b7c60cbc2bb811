/**
 * Made-up logs of three services, storage, logins and jobs, session by session. A session opens, does some work and
 * closes; it is anomalous if two events are swapped, if it never closes, or if it reports an error. Events can be
 * worded otherwise, as after an update of the software.
 */
import { type Random, random } from "nearmiss/random";

/** Events in order; those of one list always follow each other. */
interface Service {
  opening: string[];
  work: string[][];
  closing: string[];
}

const services: Service[] = [
  {
    opening: ["Allocated space for block ID", "Opened block ID for client IP"],
    work: [
      ["Received packet N of block ID from IP", "Wrote packet N of block ID to PATH"],
      ["Verified checksum of block ID"],
      ["Replicated block ID to IP", "Confirmed replica of block ID"],
    ],
    closing: ["Flushed block ID to disk", "Closed block ID after N bytes"],
  },
  {
    opening: ["Accepted connection from IP port N", "Authenticated user USER by key"],
    work: [
      ["Listed directory PATH for user USER"],
      ["Started transfer of file PATH", "Finished transfer of file PATH in N ms"],
      ["Renewed ticket of user USER"],
    ],
    closing: ["Removed session of user USER", "Disconnected client IP on request"],
  },
  {
    opening: ["Submitted job ID to queue N", "Assigned job ID to worker IP"],
    work: [
      ["Launched task N of job ID", "Completed task N of job ID"],
      ["Saved checkpoint of job ID at PATH"],
      ["Requested more memory for job ID", "Granted memory to job ID"],
    ],
    closing: ["Merged output of job ID", "Released worker IP of job ID"],
  },
];
const harmless = ["Sent heartbeat to IP", "Slow response from IP took N ms", "Retried request to IP"];
const errors = [
  "Failed to write packet to PATH",
  "Lost connection to IP unexpectedly",
  "Found corrupt checksum in PATH",
  "Denied permission to user USER",
  "Exhausted memory of worker IP",
  "Expired request to IP without answer",
];

/** Words and what may stand in their place. */
const synonyms = new Map(
  `Allocated Reserved|Opened Initialised|Received Obtained|Wrote Stored|Verified Validated|Replicated Copied
Confirmed Acknowledged|Flushed Emptied|Closed Sealed|Accepted Admitted|Authenticated Identified|Listed Enumerated
Started Began|Finished Ended|Renewed Refreshed|Removed Deleted|Disconnected Dropped|Submitted Enqueued
Assigned Scheduled|Launched Spawned|Completed Concluded|Saved Persisted|Requested Demanded|Granted Provided
Merged Combined|Released Freed|Sent Emitted|Slow Delayed|Retried Repeated|Failed Refused|Lost Missed
Found Detected|Denied Rejected|Exhausted Consumed|Expired Lapsed|block chunk|packet frame|client peer|user account
job batch|worker node|file document|task step|connection link|memory storage`
    .split(/[|\n]/)
    .map((pair) => pair.split(" ") as [string, string]),
);
const fillers = ["now", "successfully", "again", "finally"];

/** With one word replaced by its synonym, one word more, or both. */
function reworded(event: string, draw: Random): string {
  const words = event.split(" ");
  const kind = draw.integer(0, 3);
  if (kind !== 1) {
    const known = words.flatMap((word, i) => (synonyms.has(word) ? [i] : []));
    const at = draw.choice(known);
    words[at] = synonyms.get(words[at]!)!;
  }
  if (kind !== 0) words.splice(draw.integer(1, words.length + 1), 0, draw.choice(fillers));
  return words.join(" ");
}

const allEvents = [
  ...services.flatMap(({ opening, work, closing }) => [...opening, ...work.flat(), ...closing]),
  ...harmless,
  ...errors,
];

/** Parameters in the place of words in capitals. */
const filled = (event: string, draw: Random): string =>
  event.replace(/\b(?:ID|IP|N|PATH|USER)\b/g, (kind) => {
    const number = draw.integer(1, 1000);
    if (kind === "ID") return `id_${number}`;
    if (kind === "IP") return `10.0.${number % 16}.${number % 251}:${5000 + number}`;
    if (kind === "PATH") return `/var/data/part-${number}`;
    if (kind === "USER") return `user${number}@host-${number % 9}`;
    return String(number);
  });

export interface LogSession {
  messages: string[];
  /** The same events after some have been reworded. */
  reworded: string[];
  anomalous: boolean;
}

/** Most messages of a session. */
export const LONGEST = 12;

export interface SessionOptions {
  count: number;
  /** Share of anomalous sessions. */
  anomalies: number;
  /** Share of events that are reworded, the same ones throughout. */
  rewordings: number;
  seed: number;
}

/** Sessions of a seed, by what they are for; the rewording depends on the seed alone. */
export function logSessions(
  purpose: string,
  { count, anomalies, rewordings, seed }: SessionOptions,
): LogSession[] {
  const wording = random(seed).split("rewording");
  const changed = new Map(
    wording
      .shuffle(allEvents)
      .slice(0, Math.round(rewordings * allEvents.length))
      .map((event) => [event, reworded(event, wording)]),
  );
  const root = random(seed).split(`sessions for ${purpose}`);
  return Array.from({ length: count }, (_, i) => {
    const draw = root.split(i);
    const anomalous = draw.next() < anomalies;
    const events = session(anomalous ? draw.integer(0, 3) : -1, draw);
    const parameters = draw.split("parameters");
    return {
      messages: events.map((event, at) => filled(event, parameters.split(at))),
      reworded: events.map((event, at) => filled(changed.get(event) ?? event, parameters.split(at))),
      anomalous,
    };
  });
}

/** Events of a session: normal (-1), with two events swapped (0), without its end (1), with an error (2). */
function session(kind: number, draw: Random): string[] {
  const { opening, work, closing } = draw.choice(services);
  const chains = [opening, ...Array.from({ length: draw.integer(2, 4) }, () => draw.choice(work)), closing];
  if (kind === 0) {
    // What is swapped has an order of its own: it would not occur in a normal session.
    const pairs = chains.flatMap((chain, i) => (chain.length === 2 ? [i] : []));
    const at = draw.choice(pairs);
    chains[at] = [...chains[at]!].reverse();
  }
  if (kind === 1) chains[chains.length - 1] = closing.slice(0, -1);
  const events = chains.flat();
  const insert = (event: string) => events.splice(draw.integer(1, events.length), 0, event);
  if (draw.next() < 0.5) insert(draw.choice(harmless));
  if (kind === 2) insert(draw.choice(errors));
  return events;
}

/** Every word of the logs in either wording, but for parameters. */
export const logWords: string[] = [
  ...new Set([...allEvents.flatMap((event) => event.split(" ")), ...synonyms.values(), ...fillers]),
].filter((word) => !/^(?:ID|IP|N|PATH|USER)$/.test(word));

/** A line of general log text: any event in either wording, as a reader of many logs has seen it. */
export const anyMessage = (draw: Random): string => {
  const event = draw.choice(allEvents);
  return filled(draw.next() < 0.5 ? reworded(event, draw) : event, draw);
};
