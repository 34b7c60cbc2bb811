/** The same graph trains in a browser, on onnxruntime-web, with the numbers of Node. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { build } from "vite";
import { mnist } from "../../data/index.ts";
import { trainDigits } from "./digits.ts";

const executablePath = [process.env.CHROMIUM_PATH, "/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
  (path) => path !== undefined && existsSync(path),
);
const skip = executablePath
  ? false
  : "no Chromium at CHROMIUM_PATH, /usr/bin/chromium or /usr/bin/chromium-browser";

describe("training in a browser", { skip, timeout: 120_000 }, () => {
  let folder: string;
  let server: Server;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "nearmiss-browser-"));
    await build({
      root: import.meta.dirname,
      configFile: false,
      logLevel: "error",
      build: {
        outDir: folder,
        emptyOutDir: true,
        lib: { entry: join(import.meta.dirname, "page.ts"), formats: ["es"], fileName: "page" },
        rollupOptions: { external: ["onnxruntime-node"] },
      },
    });
    const engine = dirname(fileURLToPath(import.meta.resolve("onnxruntime-web/wasm")));
    server = createServer(async (request, response) => {
      const { pathname } = new URL(request.url!, "http://localhost");
      if (pathname === "/") {
        response.setHeader("content-type", "text/html").end(`<script type="module" src="/page.js"></script>`);
        return;
      }
      const path = pathname.startsWith("/ort/") ? join(engine, pathname.slice(5)) : join(folder, pathname);
      const types = { js: "text/javascript", mjs: "text/javascript", wasm: "application/wasm" };
      const type = types[path.split(".").at(-1) as keyof typeof types];
      if (!type || !existsSync(path)) {
        response.writeHead(404).end();
        return;
      }
      response.setHeader("content-type", type).end(await readFile(path));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });

  after(async () => {
    server?.close();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  test("50 steps of the digits classifier match Node within 1e-4", async () => {
    const { images, labels } = mnist({ train: 640, test: 10 }).train;
    const browser = await chromium.launch({
      executablePath,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-sync",
      ],
    });
    try {
      const page = await browser.newPage();
      const problems: string[] = [];
      page.on("pageerror", (error) => problems.push(error.message));
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      await page.waitForFunction(() => "train" in globalThis);
      const inBrowser = await page.evaluate(
        ([x, y]) =>
          (globalThis as unknown as { train(x: number[], y: number[]): Promise<number[]> }).train(x!, y!),
        [[...images], [...labels]],
      );
      assert.deepEqual(problems, []);
      const inNode = await trainDigits(images, labels);
      assert.equal(inBrowser.length, 50);
      assert.ok(inNode.at(-1)! < inNode[0]! / 2, "the loss falls");
      inNode.forEach((loss, i) => {
        const difference = Math.abs(loss - inBrowser[i]!);
        assert.ok(
          difference <= 1e-4 * Math.max(1, loss),
          `step ${i}: ${loss} in Node, ${inBrowser[i]} in the browser`,
        );
      });
    } finally {
      await browser.close();
    }
  });
});
