import { expect, test } from "bun:test";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { machinePaths } from "../../lib/paths.ts";
import type { Volume } from "../../lib/spec/machine_spec.ts";
import {
  allVolumes,
  matchMounts,
  outerFirst,
  parseMount,
  volumeSource,
} from "../../lib/spec/volume.ts";

const good: readonly (readonly [text: string, volume: Volume])[] = [
  ["/data=data", { path: "/data", kind: "data" }],
  ["/data/=config", { path: "/data", kind: "config" }],
  ["/data//x/../y=skip", { path: "/data/y", kind: "skip" }],
  ["/data=/srv/a=b", { path: "/data", kind: "host", source: "/srv/a=b" }],
  ["/a,b=c=data", { path: "/a,b=c", kind: "data" }],
  ["/a=b=/srv/x", { path: "/a=b", kind: "host", source: "/srv/x" }],
  ["/data=/srv/x=data", { path: "/data", kind: "host", source: "/srv/x=data" }],
  ["/data=/srv/x/", { path: "/data", kind: "host", source: "/srv/x" }],
];

test.each(good)("parseMount() reads %p", (text, volume) => {
  expect(parseMount(text)).toEqual(volume);
});

const bad: readonly (readonly [text: string, state: string])[] = [
  ["/data", 'it has no "="'],
  ["data=data", "the path in the machine is not absolute"],
  ["=data", "the path in the machine is not absolute"],
  ["/data=", '"" is neither config, data, skip nor an absolute path'],
  ["/data=srv/x", '"srv/x" is neither config, data, skip nor an absolute path'],
  ["/data=./x", '"./x" is neither config, data, skip nor an absolute path'],
  ["/data=Data", '"Data" is neither config, data, skip nor an absolute path'],
  ["/data=/", "the host's whole file system cannot be a volume"],
  ["/data=/srv/..", "the host's whole file system cannot be a volume"],
  ["/data=/var/lib/man8machines/web", "that folder is mbctl's own; use config or data"],
  ["/data=/var/lib/man8machine_storage", "that folder is mbctl's own; use config or data"],
  ["/data=/var/lib/machines/x", "that folder is mbctl's own; use config or data"],
];

test.each(bad)("parseMount() refuses %p: %s", (text, state) => {
  expect(() => parseMount(text)).toThrow(`Cannot use --mount ${JSON.stringify(text)}: ${state}`);
});

test("matchMounts() says which volumes are still without a choice", () => {
  const mount: Volume = { path: "/b", kind: "data" };
  expect(matchMounts(["/a", "/b", "/c"], [mount])).toEqual({ chosen: [mount], open: ["/a", "/c"] });
});

test("allVolumes() keeps what nobody chose as data", () => {
  const mount = { path: "/b", kind: "skip" } as const;
  expect(allVolumes(["/a", "/b"], [mount])).toEqual([mount, { path: "/a", kind: "data" }]);
});

test("matchMounts() takes paths that the image does not declare", () => {
  const more: Volume[] = [
    { path: "/x", kind: "data" },
    { path: "/y", kind: "host", source: "/srv/y" },
  ];
  expect(matchMounts(["/a"], more)).toEqual({ chosen: more, open: ["/a"] });
});

test("matchMounts() refuses to skip a path that the image does not declare", () => {
  expect(() => matchMounts(["/a"], [{ path: "/x", kind: "skip" }])).toThrow(
    "Cannot skip the volume /x: the image declares no such volume",
  );
});

test("matchMounts() refuses a path that is named twice", () => {
  const twice: Volume[] = [
    { path: "/a", kind: "skip" },
    { path: "/a", kind: "data" },
  ];
  expect(() => matchMounts(["/a"], twice)).toThrow("it is given twice");
});

test("volumeSource() keeps each kind in its folder", () => {
  const paths = machinePaths("/", parseMachineName("web"));
  expect(volumeSource(paths, { path: "/a/b", kind: "config" })).toBe(
    "/var/lib/man8machine_configs/web/a/b",
  );
  expect(volumeSource(paths, { path: "/a/b", kind: "data" })).toBe(
    "/var/lib/man8machine_storage/web/a/b",
  );
  expect(volumeSource(paths, { path: "/a/b", kind: "host", source: "/srv" })).toBe("/srv");
  expect(volumeSource(paths, { path: "/a/b", kind: "skip" })).toBeUndefined();
});

test("outerFirst() puts a folder before what lies in it", () => {
  const volumes = ["/a/b", "/b", "/a"].map((path): Volume => ({ path, kind: "data" }));
  expect(outerFirst(volumes).map(({ path }) => path)).toEqual(["/a", "/a/b", "/b"]);
});
