import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CallError } from "../../lib/calls/call_error.ts";
import { encodeFrame, FrameReader } from "../../lib/calls/frame.ts";

/** All that a reader makes of chunks. */
function readAll(reader: FrameReader, chunks: readonly Uint8Array[]): unknown[] {
  const values: unknown[] = [];
  for (const chunk of chunks) {
    // As a buffer that is used again.
    const copy = chunk.slice();
    for (let rest = copy; rest.length > 0;) {
      const { taken, value } = reader.read(rest);
      rest = rest.subarray(taken);
      if (value !== undefined) values.push(value.of);
    }
    copy.fill(0xff);
  }
  return values;
}

function frame(body: string | Uint8Array, length = body.length): Uint8Array {
  const bytes = Buffer.from(body);
  const header = Buffer.alloc(4);
  header.writeUInt32BE(length);
  return Buffer.concat([header, bytes]);
}

describe("FrameReader", () => {
  test("reads what encodeFrame() makes, however the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue({ maxDepth: 3 }), { maxLength: 5 }),
        fc.array(fc.nat(400), { maxLength: 20 }),
        (values, cuts) => {
          const sent = values.map((value) => JSON.parse(JSON.stringify(value)) as unknown);
          const stream = Buffer.concat(values.map((value) => encodeFrame(value)));
          const ends = [...new Set(cuts.map((cut) => cut % (stream.length + 1)))].sort(
            (a, b) => a - b,
          );
          const chunks = [...ends, stream.length].map((end, index) =>
            stream.subarray(ends[index - 1] ?? 0, end),
          );
          const reader = new FrameReader(100_000);
          expect(readAll(reader, chunks)).toEqual(sent);
          // Nothing of them is left in it.
          expect(readAll(reader, [encodeFrame("next")])).toEqual(["next"]);
        },
      ),
    );
  });

  test("waits for the rest of a frame, also behind its length", () => {
    const reader = new FrameReader(100);
    const frame = encodeFrame({ a: 1 });
    expect(readAll(reader, [frame.subarray(0, 7)])).toEqual([]);
    expect(readAll(reader, [frame.subarray(7)])).toEqual([{ a: 1 }]);
  });

  test("takes a frame of its limit, and refuses a longer one by its length alone", () => {
    const body = JSON.stringify("x".repeat(98));
    expect(readAll(new FrameReader(100), [frame(body)])).toEqual(["x".repeat(98)]);
    const refused = () => readAll(new FrameReader(100), [frame("", 101)]);
    expect(refused).toThrow("Cannot read a frame of 101 bytes: the limit is 100");
    expect(() => readAll(new FrameReader(100), [frame("", 0xffffffff)])).toThrow(CallError);
  });

  test.each([
    ["nothing", ""],
    ["half a value", '{"argv":'],
    ["two values", "{}{}"],
    ["bytes that are no UTF-8", Uint8Array.of(0x22, 0xff, 0x22)],
    ["a byte order mark", "\ufeff{}"],
    ["nesting beyond any stack", "[".repeat(90_000)],
  ])("refuses a frame of %s", (_, body) => {
    const reading = () => readAll(new FrameReader(100_000), [frame(Buffer.from(body))]);
    expect(reading).toThrow(new CallError(125, "Cannot read a frame: it is no JSON in UTF-8"));
  });
});
