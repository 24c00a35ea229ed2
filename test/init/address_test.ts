import { afterAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { InitRoot } from "./init_root.ts";

const root = new InitRoot();
afterAll(() => root[Symbol.dispose]());

/** Runs m8_prefix for many addresses in one shell. */
function prefixes(addresses: readonly string[]): string[] {
  const calls = addresses.map(
    (address) => `if m8_prefix '${address}'; then echo "$m8_text"; else echo no; fi`,
  );
  const result = root.source(["30-address"], calls.join("\n"));
  expect(result.stderr).toBe("");
  return result.stdout.trimEnd().split("\n");
}

describe("m8_prefix", () => {
  test("gives the first four groups, with :: written out", () => {
    const rows: [string, string][] = [
      ["300:2e98:a4b0:1789:1d44:bc13:a177:c4d", "300:2e98:a4b0:1789"],
      ["300:2e98:a4b0:1789::1:2", "300:2e98:a4b0:1789"],
      ["300:2e98:a4b0:1789::", "300:2e98:a4b0:1789"],
      ["300:0:0:1::5", "300:0:0:1"],
      ["300::1:2:3:4:5", "300:0:0:1"],
      ["300::5", "300:0:0:0"],
      ["300:1::2:3:4:5:6", "300:1:0:2"],
      ["300:1:2:3:4:5:6::", "300:1:2:3"],
      ["::1:2:3:4:5:6:7", "0:1:2:3"],
      ["::", "0:0:0:0"],
      ["3FF:A:B:C:1:2:3:4", "3FF:A:B:C"],
    ];
    expect(prefixes(rows.map((row) => row[0]))).toEqual(rows.map((row) => row[1]));
  });

  test("refuses what is no address", () => {
    const bad = [
      "",
      "1",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1::2::3",
      "1:::2",
      ":1:2:3:4:5:6:7:8",
      "1:2:3:4:5:6:7:",
      "1:2:3:4:5:6:7:8::",
      "1:2:3:4::5:6:7:8",
      "12345::1",
      "300::g",
      "300::1/64",
      "::ffff:10.0.0.1",
      "300::1%host0",
      "* ",
    ];
    expect(prefixes(bad)).toEqual(bad.map(() => "no"));
  });

  test("agrees with a plain expansion for any address and any place of ::", () => {
    const address = fc
      .tuple(
        fc.array(fc.constantFrom(0, 1, 0xa4b0, 0xffff), {
          minLength: 8,
          maxLength: 8,
        }),
        fc.nat(8),
        fc.nat(8),
      )
      .map(([groups, from, length]) => {
        const to = Math.min(8, from + length);
        if (to === from) {
          const text = groups.map((group) => group.toString(16));
          return [text.join(":"), text.slice(0, 4).join(":")] as const;
        }
        const zeroed = groups.map((group, index) =>
          (index >= from && index < to ? 0 : group).toString(16),
        );
        const text = `${zeroed.slice(0, from).join(":")}::${zeroed.slice(to).join(":")}`;
        return [text, zeroed.slice(0, 4).join(":")] as const;
      });
    fc.assert(
      fc.property(fc.array(address, { minLength: 20, maxLength: 40 }), (rows) => {
        expect(prefixes(rows.map((row) => row[0]))).toEqual(rows.map((row) => row[1]));
      }),
      { numRuns: 20 },
    );
  });
});
