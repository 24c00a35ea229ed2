import { expect, test } from "bun:test";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { describeStep, type Step } from "../../lib/steps/step.ts";

const rows: readonly (readonly [step: Step, text: string])[] = [
  [{ kind: "make-directory", path: "/a b", mode: 0o700 }, "make directory '/a b' (700)"],
  [{ kind: "write-file", path: "/a", text: "ä\n", mode: 0o600 }, "write /a (600, 3 bytes)"],
  [{ kind: "link", path: "/a", target: "/it's" }, "link /a -> '/it'\\''s'"],
  [{ kind: "move", from: "/a", to: "/b" }, "move /a to /b"],
  [{ kind: "remove", path: "/a" }, "remove /a"],
  [{ kind: "fetch-image", image: "x:1", store: "/s" }, "fetch what /s lacks of x:1"],
  [
    { kind: "unpack-image", image: "x:1", tree: "/t" },
    "unpack x:1 into /t, fetching what the store lacks",
  ],
  [
    { kind: "store-tree", image: "x:1", tree: "/s" },
    "unpack x:1 into /s, for this machine and later ones",
  ],
  [{ kind: "make-tree", path: "/t" }, "make directory /t (700), a subvolume on btrfs"],
  [{ kind: "clone-tree", from: "/s/a b", tree: "/t" }, "clone '/s/a b' to /t"],
  [
    {
      kind: "hold",
      name: parseMachineName("web"),
      steps: [
        { kind: "remove", path: "/a" },
        { kind: "sync", path: "/" },
      ],
    },
    "freeze systemd-nspawn@web.service; remove /a; sync /; thaw it",
  ],
  [
    { kind: "thaw", name: parseMachineName("web") },
    "thaw systemd-nspawn@web.service, if it is frozen",
  ],
  [{ kind: "remember-image", image: "x:1" }, "note in the store what x:1 names"],
  [
    { kind: "complete-tree", tree: "/t", directories: ["/a", "/b c"] },
    "make missing directories in /t: /a '/b c'",
  ],
  [{ kind: "install-init", tree: "/t", busybox: "/b" }, "install man8s-init in /t with /b"],
  [
    {
      ...{ kind: "bootstrap-tree", tree: "/t", os: "os:debian:sid" },
      plan: {
        ...{ program: "p", before: [], after: [], caches: [] },
        commands: [["p", "--a b"], ["q"]],
      },
    },
    "make /t of os:debian:sid: p '--a b'; q",
  ],
  [
    { kind: "complete-tree", tree: "/t", directories: ["/a"], files: ["/f", "/g h"] },
    "make missing directories in /t: /a, and files: /f '/g h'",
  ],
  [{ kind: "limit-tree", tree: "/t", bytes: 1024 ** 3 }, "limit /t to 1G"],
  [{ kind: "limit-tree", tree: "/t" }, "take the disk quota from /t, if it has one"],
  [{ kind: "copy-volume", tree: "/t", path: "/d", into: "/i" }, "copy /d of /t to /i"],
  [
    {
      kind: "copy-volume",
      ...{ tree: "/t", path: "/d", into: "/i" },
      owner: { uid: 1, gid: 2, mode: 0o750 },
    },
    "copy /d of /t to /i (owner 1:2, mode 0750)",
  ],
  [
    { kind: "stage-host-volume", tree: "/t", path: "/d", into: "/i" },
    "copy /d of /t for /i, if that is empty",
  ],
  [{ kind: "place-host-volume", into: "/i" }, "put that copy into /i"],
  [{ kind: "clear-host-volume", into: "/i" }, "clear what a stopped run staged for /i"],
  [{ kind: "sync", path: "/t" }, "sync /t"],
  [
    { kind: "reload-network", name: parseMachineName("web") },
    "networkctl reload in web, if it runs",
  ],
  [{ kind: "reload-systemd" }, "systemctl daemon-reload"],
  [
    { kind: "forget-failure", name: parseMachineName("web") },
    "systemctl reset-failed systemd-nspawn@web.service, if it failed",
  ],
  [
    { kind: "unit", action: "stop", units: ["a.service", "b.service"] },
    "systemctl stop a.service b.service",
  ],
];

test.each(rows)("describeStep() puts %j on one line", (step, text) => {
  expect(describeStep(step)).toBe(text);
  expect(text).not.toMatch(/\n/);
});

test("a step is data: it survives JSON", () => {
  for (const [step] of rows) expect(JSON.parse(JSON.stringify(step))).toEqual(step);
});
