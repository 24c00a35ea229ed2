import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { machinePaths } from "../../lib/paths.ts";
import {
  clearStaged,
  finishPull,
  formatMarker,
  planPull,
  planRollback,
} from "../../lib/steps/plan_pull.ts";
import type { TreeSource } from "../../lib/steps/plan_tree.ts";
import { defaultChoices, type Volume } from "../../lib/spec/machine_spec.ts";
import { describeStep, type Step } from "../../lib/steps/step.ts";

const files = { machineToml: "toml", nspawn: "nspawn", envFile: "secret", unitDropIn: "unit" };
const name = parseMachineName("web");

function plan(
  volumes: readonly Volume[],
  root = "/",
  isLive = root === "/",
  tree: TreeSource = { kind: "layers" },
): Step[] {
  const image = {
    reference: "docker.io/library/x:1",
    digest: "sha256:a",
    manifestDigest: "sha256:b",
  };
  return planPull({
    root,
    spec: { name, ...defaultChoices, image, environment: [], volumes },
    files,
    imageText: "{}",
    tree,
    fitting: { kind: "init", busybox: "/usr/bin/busybox", needs: { directories: ["/work"] } },
    isLive,
  });
}

const all: readonly Volume[] = [
  { path: "/data/inner", kind: "data" },
  { path: "/data", kind: "data" },
  { path: "/etc/app", kind: "config" },
  { path: "/srv", kind: "host", source: "/srv/my files" },
  { path: "/tmp", kind: "skip" },
];

test("planPull() prepares under hidden names, then moves, and links last", () => {
  expect(plan(all).map(describeStep)).toEqual([
    "make directory /var/lib/man8machines (700)",
    "make directory /var/lib/man8machine_configs (700)",
    "make directory /var/lib/machines (700)",
    "make directory /etc/systemd/nspawn (755)",
    "write /var/lib/man8machine_configs/.mbctl-pull.web (600, 14 bytes)",
    "unpack docker.io/library/x:1 into /var/lib/man8machines/.mbctl-new.web, fetching what the store lacks",
    "make missing directories in /var/lib/man8machines/.mbctl-new.web: /work",
    "install man8s-init in /var/lib/man8machines/.mbctl-new.web with /usr/bin/busybox",
    "make directory /var/lib/man8machine_configs/.mbctl-new.web (700)",
    "write /var/lib/man8machine_configs/.mbctl-new.web/machine.toml (644, 4 bytes)",
    "write /var/lib/man8machine_configs/.mbctl-new.web/container.nspawn (644, 6 bytes)",
    "write /var/lib/man8machine_configs/.mbctl-new.web/man8env.env (600, 6 bytes)",
    "make directory /var/lib/man8machine_configs/.mbctl-new.web/.mbctl (700)",
    "write /var/lib/man8machine_configs/.mbctl-new.web/.mbctl/machine.toml (600, 4 bytes)",
    "write /var/lib/man8machine_configs/.mbctl-new.web/.mbctl/container.nspawn (600, 6 bytes)",
    "write /var/lib/man8machine_configs/.mbctl-new.web/.mbctl/man8env.env (600, 6 bytes)",
    "write /var/lib/man8machine_configs/.mbctl-new.web/.mbctl/unit.conf (600, 4 bytes)",
    "write /var/lib/man8machine_configs/.mbctl-new.web/.mbctl/image.json (600, 2 bytes)",
    "copy /etc/app of /var/lib/man8machines/.mbctl-new.web to /var/lib/man8machine_configs/.mbctl-new.web/etc/app",
    "make directory /var/lib/man8machine_storage (700)",
    "make directory /var/lib/man8machine_storage/.mbctl-new.web (700), a subvolume on btrfs",
    "copy /data of /var/lib/man8machines/.mbctl-new.web to /var/lib/man8machine_storage/.mbctl-new.web/data",
    "copy /data/inner of /var/lib/man8machines/.mbctl-new.web to /var/lib/man8machine_storage/.mbctl-new.web/data/inner",
    "copy /srv of /var/lib/man8machines/.mbctl-new.web for '/srv/my files', if that is empty",
    "sync /var/lib/man8machines/.mbctl-new.web",
    "move /var/lib/man8machine_storage/.mbctl-new.web to /var/lib/man8machine_storage/web",
    "move /var/lib/man8machine_configs/.mbctl-new.web to /var/lib/man8machine_configs/web",
    "move /var/lib/man8machines/.mbctl-new.web to /var/lib/man8machines/web",
    "link /etc/systemd/nspawn/web.nspawn -> /var/lib/man8machine_configs/web/container.nspawn",
    "make directory /etc/systemd/system/systemd-nspawn@web.service.d (755)",
    "write /etc/systemd/system/systemd-nspawn@web.service.d/50-mbctl.conf (644, 4 bytes)",
    "systemctl daemon-reload",
    "link /var/lib/machines/web -> /var/lib/man8machines/web",
  ]);
});

test("planPull() makes no storage folder where nothing is kept in it", () => {
  expect(
    plan([{ path: "/tmp", kind: "skip" }]).filter((step) => describeStep(step).includes("storage")),
  ).toEqual([]);
});

test("planPull() below another root writes there, links as that root sees it, and asks no systemd", () => {
  const steps = plan([], "/mnt/host");
  const links = steps.flatMap((step) => (step.kind === "link" ? [[step.path, step.target]] : []));
  expect(links).toEqual([
    [
      "/mnt/host/etc/systemd/nspawn/web.nspawn",
      "/var/lib/man8machine_configs/web/container.nspawn",
    ],
    ["/mnt/host/var/lib/machines/web", "/var/lib/man8machines/web"],
  ]);
  expect(steps.some((step) => step.kind === "reload-systemd")).toBe(false);
});

test("finishPull() fills the administrator's folders, then forgets the pull", () => {
  const paths = machinePaths("/", name);
  expect(finishPull(paths, formatMarker(all)).map(describeStep)).toEqual([
    "put that copy into '/srv/my files'",
    "bring firewall, names and relays of the host in line with its machines",
    "remove /var/lib/man8machine_configs/.mbctl-pull.web",
  ]);
});

test("planRollback() removes the commit first and the marker last", () => {
  expect(planRollback(machinePaths("/", name), formatMarker(all)).map(describeStep)).toEqual([
    "remove /var/lib/man8machine_configs/.mbctl-change.web",
    "remove /var/lib/machines/web",
    "remove /etc/systemd/nspawn/web.nspawn",
    "remove /etc/systemd/system/systemd-nspawn@web.service.d",
    "remove /var/lib/man8machines/web",
    "remove /var/lib/man8machine_storage/web",
    "remove /var/lib/man8machine_configs/web",
    "remove /var/lib/man8machines/.mbctl-new.web",
    "remove /var/lib/man8machine_storage/.mbctl-new.web",
    "remove /var/lib/man8machine_configs/.mbctl-new.web",
    "remove /etc/systemd/nspawn/.web.nspawn.mbctl-new",
    "remove /var/lib/machines/.web.mbctl-new",
    "clear what a stopped run staged for '/srv/my files'",
    "remove /var/lib/man8machine_configs/.mbctl-pull.web",
  ]);
});

test("planRollback() has a step for everything that planPull() makes", () => {
  const kinds = fc.constantFrom("config", "data", "skip", "host");
  const volumes = fc.uniqueArray(
    fc.record({ path: fc.stringMatching(/^\/[a-z]{1,3}(\/[a-z]{1,2})?$/), kind: kinds }),
    {
      selector: ({ path }) => path,
      maxLength: 6,
    },
  );
  fc.assert(
    fc.property(volumes, fc.constantFrom("/", "/mnt"), (choices, root) => {
      const chosen = choices.map(({ path, kind }): Volume =>
        kind === "host" ? { path, kind, source: `/own${path}` } : { path, kind },
      );
      const paths = machinePaths(root, name);
      const undone = planRollback(paths, formatMarker(chosen));
      const removed = undone.flatMap((step) => (step.kind === "remove" ? [step.path] : []));
      const cleared = undone.flatMap((step) =>
        step.kind === "clear-host-volume" ? [step.into] : [],
      );
      const isRemoved = (path: string) =>
        removed.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
      const steps = plan(chosen, root);
      for (const step of steps) {
        switch (step.kind) {
          case "write-file":
          case "link":
            expect(isRemoved(step.path)).toBe(true);
            break;
          case "move":
            expect([isRemoved(step.from), isRemoved(step.to)]).toEqual([true, true]);
            break;
          case "copy-volume":
            expect(isRemoved(step.into)).toBe(true);
            break;
          case "make-tree":
            expect(isRemoved(step.path)).toBe(true);
            break;
          case "unpack-image":
          case "install-init":
            expect(isRemoved(step.tree)).toBe(true);
            break;
          case "stage-host-volume":
            expect(cleared).toContain(step.into);
        }
      }
      // The link in /var/lib/machines is the commit: nothing comes after it.
      expect(steps.at(-1)).toMatchObject({ kind: "link", path: paths.machineLink });
      expect(undone.at(-1)).toEqual({ kind: "remove", path: paths.pullMarker });
      expect(undone.slice(7)).toEqual(clearStaged(paths, formatMarker(chosen)));
    }),
  );
});

const refused: readonly (readonly [volume: Volume, state: string])[] = [
  [{ path: "/machine.toml", kind: "config" }, "mbctl has a file of that name there"],
  [{ path: "/man8env.env/x", kind: "config" }, "mbctl has a file of that name there"],
  [{ path: "/container.nspawn", kind: "config" }, "mbctl has a file of that name there"],
  [{ path: "/man8s-init", kind: "data" }, "the machine needs what is at that place"],
  [{ path: "/", kind: "config" }, "the machine needs what is at that place"],
  [{ path: "/proc/sys", kind: "host", source: "/x" }, "the machine needs what is at that place"],
];
test.each(refused)("planPull() refuses the volume %j", (volume, state) => {
  expect(() => plan([volume])).toThrow(state);
});

test.each([
  { path: "/machine.toml", kind: "data" },
  { path: "/man8s-init", kind: "skip" },
  { path: "/procedures", kind: "data" },
  { path: "/machine.tomls", kind: "config" },
] as const)("planPull() takes the volume %j", (volume) => {
  expect(() => plan([volume])).not.toThrow();
});

test("planPull() makes the folders that a whole system always has mounted, without a volume too", () => {
  const image = { reference: "x:1", digest: "sha256:a", manifestDigest: "sha256:b" };
  const spec = { name, ...defaultChoices, image, environment: [], volumes: [] };
  const words = (mode: "base" | "direct") =>
    planPull({
      ...{ root: "/", spec: { ...spec, mode }, files, imageText: "{}", isLive: true },
      tree: { kind: "layers" },
      fitting: { kind: "init", busybox: "/usr/bin/busybox", needs: { directories: [] } },
    }).map(describeStep);
  const folders = [
    "make directory /var/lib/man8machine_configs/.mbctl-new.web/apps (755)",
    "move /var/lib/man8machine_storage/.mbctl-new.web to /var/lib/man8machine_storage/web",
  ];
  expect(words("base").filter((step) => folders.includes(step))).toEqual(folders);
  expect(words("direct").filter((step) => folders.includes(step))).toEqual([]);
});
