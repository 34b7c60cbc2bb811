/** The command for tests: as a process of its own, in a folder of the test's. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const command = fileURLToPath(new URL("../../bin/nearmiss.mjs", import.meta.url));

/** Starts the command with given arguments in `folder`; `ended` tells its exit code and what it said. */
export const commandIn =
  (folder: string) =>
  (...args: string[]) => {
    const child = spawn(process.execPath, [command, ...args], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [output, errors] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      errors += text;
    });
    return {
      child,
      ended: once(child, "close").then(([code]) => ({ code: code as number, output, errors })),
    };
  };
