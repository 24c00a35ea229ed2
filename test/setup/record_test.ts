import { describe, expect, test } from "bun:test";
import {
  formatRecord,
  joinFacts,
  networkOf,
  parseRecord,
  recordNetwork,
} from "../../lib/setup/record.ts";
import { doneFacts, file, network, wantedFiles, yggdrasilFile } from "./_input.ts";

describe("parseRecord()", () => {
  test("is the inverse of formatRecord()", () => {
    const [done, begun] = [doneFacts(), doneFacts({ isKeyNew: false })];
    for (const record of [
      { schema: 1 },
      { schema: 1, done },
      { schema: 1, done, begun },
    ] as const) {
      expect(parseRecord(formatRecord(record), "x")).toEqual(record);
    }
  });

  test.each([
    "",
    "{",
    "[]",
    "{}",
    '{"schema":2}',
    '{"schema":1,"more":1}',
    '{"schema":1,"done":{}}',
  ])("refuses %j, and names the file", (text) =>
    expect(() => parseRecord(text, "/x/y.json")).toThrow(/^Cannot read "\/x\/y\.json": /),
  );
});

test("networkOf() is the inverse of recordNetwork()", () => {
  expect(networkOf({ ...doneFacts(), network: recordNetwork(network) })).toEqual(network);
});

describe("joinFacts()", () => {
  test("remembers what was there before the first run, and what the last one wrote", () => {
    const first = doneFacts();
    const files = wantedFiles().map(({ wanted }) => ({
      wanted: { ...wanted, text: "newer" },
      present: file(wanted.text),
    }));
    const second = doneFacts({ files, isKeyNew: false, hasBridge: true, folders: ["/new"] });
    const joined = joinFacts(first, second);
    expect(joined.files.map(({ before }) => before)).toEqual(first.files.map(() => null));
    expect(joined.files.map(({ written }) => written)).toEqual(
      second.files.map(({ written }) => written),
    );
    expect(joined.keyFile).toBe(yggdrasilFile);
    expect(joined.hadBridge).toBe(false);
    expect(joined.folders).toEqual([...first.folders, "/new"]);
    expect(joined.units).toEqual(first.units);
  });

  test("is the second where there was no first", () => {
    expect(joinFacts(undefined, doneFacts())).toEqual(doneFacts());
  });
});
