import { expect, test } from "bun:test";
import { parseImageConfig } from "../../lib/image/config.ts";
import { formatImageChange, imageChanges } from "../../lib/upgrade/image_changes.ts";
import { expectGolden } from "../golden/golden.ts";

const image = (config: object, more: object = {}) =>
  parseImageConfig({ os: "linux", architecture: "amd64", ...more, config });

const before = image({
  User: "www",
  Env: ["PATH=/bin", "LANG=C.UTF-8", "TITLE=an old page", "EMPTY="],
  Entrypoint: ["/entry"],
  Cmd: ["serve", "--port", "80"],
  WorkingDir: "/srv",
  Volumes: { "/data": {}, "/logs": {} },
  ExposedPorts: { "80/tcp": {}, "53/udp": {} },
  StopSignal: "SIGQUIT",
  Labels: { version: "1" },
  Healthcheck: { Test: ["CMD-SHELL", "curl -f localhost"], Interval: 30e9 },
});
const after = image(
  {
    User: "app:app",
    Env: ["PATH=/usr/bin:/bin", "TITLE=a new page", "EMPTY=no", "BARE="],
    Cmd: ["serve", "a page"],
    WorkingDir: "/",
    Volumes: { "/data": {}, "/cache": {} },
    ExposedPorts: { "8080/tcp": {} },
    Labels: { version: "2" },
    Healthcheck: { Test: ["CMD", "/check"], Timeout: 5e8, StartPeriod: 60e9, Retries: 5 },
  },
  { variant: "v3" },
);

test("imageChanges() finds every setting that a machine is made of", () => {
  const text = (one: typeof before, two: typeof before) =>
    imageChanges(one, two).map((change) => `${formatImageChange(change)}\n`);
  expectGolden("upgrade/forth", text(before, after).join(""));
  expectGolden("upgrade/back", text(after, before).join(""));
});

test("imageChanges() finds nothing in an image that differs by its layers, labels and dates", () => {
  const same = {
    ...before,
    labels: { version: "3" },
    created: "2026-01-01T00:00:00Z",
    diffIds: [],
  };
  expect(imageChanges(before, same)).toEqual([]);
});
