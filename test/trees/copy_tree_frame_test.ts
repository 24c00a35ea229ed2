import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FrameCollector, FrameWriter, readFrame } from "../../lib/trees/copy_tree_frame.ts";

const names = fc.array(fc.uint8Array({ minLength: 0, maxLength: 300, min: 1 }), { maxLength: 40 });

function written(list: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const frame = new FrameWriter();
  for (const [index, name] of list.entries())
    frame
      .op("S")
      .name(name)
      .number(index)
      .number(2 ** 40);
  return frame.take();
}

function read(frame: ReturnType<typeof readFrame>): Uint8Array[] {
  const list: Uint8Array[] = [];
  while (!frame.isDone) {
    expect(frame.op()).toBe("S");
    list.push(frame.name().slice());
    expect(frame.number()).toBe(list.length - 1);
    expect(frame.number()).toBe(2 ** 40);
  }
  return list;
}

describe("frames", () => {
  test("are read as they were written, names by their bytes", () => {
    fc.assert(fc.property(names, (list) => expect(read(readFrame(written(list)))).toEqual(list)));
  });

  test("are put together from chunks of any size", () => {
    fc.assert(
      fc.property(
        fc.array(names, { maxLength: 4 }),
        fc.integer({ min: 1, max: 5000 }),
        (lists, size) => {
          const bytes = Buffer.concat(lists.map(written));
          const frames = new FrameCollector();
          const found: Uint8Array[][] = [];
          for (let at = 0; at < bytes.length;) {
            const { room } = frames;
            const length = Math.min(size, room.length, bytes.length - at);
            room.set(bytes.subarray(at, at + length));
            frames.add(length);
            at += length;
            for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
              found.push(read(frame));
            }
          }
          expect(found).toEqual(lists);
        },
      ),
    );
  });

  test("grow for a record that is longer than a frame should be", () => {
    const long = new Uint8Array(200_000).fill(7);
    expect(read(readFrame(written([long, long])))).toEqual([long, long]);
  });
});
