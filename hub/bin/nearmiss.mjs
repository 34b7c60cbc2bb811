#!/usr/bin/env node
/**
 * Starts the command line. It is TypeScript, which Node runs as it is from 22.18 on; an older Node
 * starts itself anew with the one that the npm package `node` has brought, if it is installed.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import * as module from "node:module";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const main = new URL("../src/cli/main.ts", import.meta.url);

if (process.features.typescript) {
  module.enableCompileCache?.();
  await import(main.href);
} else {
  const node = newerNode();
  if (node === undefined || process.env.NEARMISS_STARTED_ANEW) {
    console.error(
      `nearmiss needs Node 22.18 or newer, and this is ${process.version}. Install a newer Node, or the npm package "node" beside nearmiss.`,
    );
    process.exit(1);
  }
  const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], {
    stdio: "inherit",
    env: {
      // Where the newer Node keeps compiled code, so that it starts faster the next time.
      NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache"),
      ...process.env,
      NEARMISS_STARTED_ANEW: "1",
    },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"])
    process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(`nearmiss could not start ${node}: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

/** The binary of the npm package `node`, from the nearest folder upwards that has it. */
function newerNode() {
  const name = process.platform === "win32" ? "node.exe" : "node";
  for (let folder = new URL("../", import.meta.url); ; folder = new URL("../", folder)) {
    const binary = fileURLToPath(new URL(`node_modules/node/bin/${name}`, folder));
    if (existsSync(binary)) return binary;
    if (folder.pathname === new URL("../", folder).pathname) return undefined;
  }
}
