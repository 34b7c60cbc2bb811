/**
 * Assembles rows.wat into rows-bytes.ts: `node library/src/optim/rows-assemble.ts`. A test does the same and
 * compares, so that source and bytes stay one.
 */
import { readFileSync, writeFileSync } from "node:fs";
import wabt from "wabt";

/** The text of rows-bytes.ts for a module in WebAssembly's text format. */
export async function assemble(source: string): Promise<string> {
  const module = (await wabt()).parseWat("rows.wat", source, { simd: true });
  try {
    const { buffer } = module.toBinary({});
    const base64 = Buffer.from(buffer).toString("base64");
    return `/** rows.wat, assembled by rows-assemble.ts: ${buffer.length} bytes in base64. */\nexport const ROWS =\n  "${base64}";\n`;
  } finally {
    module.destroy();
  }
}

if (import.meta.main) {
  const text = await assemble(readFileSync(new URL("rows.wat", import.meta.url), "utf8"));
  writeFileSync(new URL("rows-bytes.ts", import.meta.url), text);
}
