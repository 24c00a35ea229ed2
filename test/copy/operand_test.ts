import { expect, test } from "bun:test";
import { lastPart, parseCopyOperand } from "../../lib/copy/operand.ts";

test.each([
  ["-", { kind: "stream" }],
  ["web:/etc/x", { kind: "machine", name: "web", path: "/etc/x" }],
  ["web:etc/x:y", { kind: "machine", name: "web", path: "/etc/x:y" }],
  ["web-1.a:/", { kind: "machine", name: "web-1.a", path: "/" }],
  ["x", { kind: "host", path: "x" }],
  ["./a:b", { kind: "host", path: "./a:b" }],
  ["/srv/a:b", { kind: "host", path: "/srv/a:b" }],
  [":x", { kind: "host", path: ":x" }],
  ["a b:/x", { kind: "host", path: "a b:/x" }],
])("parseCopyOperand(%j)", (text, operand) => {
  expect(parseCopyOperand(text) as object).toEqual(operand);
});

test.each(["", "web:", "web:/a\0b"])("parseCopyOperand(%j) refuses it", (text) => {
  expect(() => parseCopyOperand(text)).toThrow("it names no path");
});

test.each([
  ["/a/b", { name: "b", isContents: false }],
  ["/a/b/", { name: "b", isContents: false }],
  ["/a/b/.", { name: "b", isContents: true }],
  ["/", { name: "", isContents: true }],
  ["/a/..", { name: "..", isContents: true }],
])("lastPart(%j)", (path, part) => {
  expect(lastPart(path)).toEqual(part);
});
