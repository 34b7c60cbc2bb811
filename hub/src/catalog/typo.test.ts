import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { editDistance } from "./titles.ts";
import { isTypo, typoFinder } from "./typo.ts";

describe("isTypo", () => {
  test("one character less, more or other, or two neighbours swapped", () => {
    for (const typo of ["margn", "marrgin", "mxrgin", "magrin", "amrgin", "margni", "argin", "margins"]) {
      assert.ok(isTypo("margin", typo), typo);
      assert.ok(isTypo(typo, "margin"), typo);
    }
    for (const other of ["margin", "mgarin", "mari", "nargim", "maxxin", "marginal", ""])
      assert.ok(!isTypo("margin", other), other);
  });

  test("agrees with the edit distance (random texts)", () => {
    const text = fc.string({ maxLength: 6, unit: fc.constantFrom("a", "b", "c") });
    const swaps = (a: string) =>
      Array.from({ length: Math.max(0, a.length - 1) }, (_, at) =>
        [a.slice(0, at), a[at + 1], a[at], a.slice(at + 2)].join(""),
      );
    fc.assert(
      fc.property(text, text, (a, b) => {
        const expected = a !== b && (editDistance(a, b) === 1 || swaps(a).includes(b));
        assert.equal(isTypo(a, b), expected, `${a} ${b}`);
      }),
      { numRuns: 2000 },
    );
  });
});

test("typoFinder finds all that are one error away, and nothing else", () => {
  const near = typoFinder(["loss", "moss", "los", "lossy", "glossy", "solo", "cross"]);
  assert.deepEqual(near("loss").toSorted(), ["los", "lossy", "moss"]);
  assert.deepEqual(near("zzzz"), []);
});
