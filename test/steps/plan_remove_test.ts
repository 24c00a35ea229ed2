import { expect, test } from "bun:test";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { machinePaths, namesOf } from "../../lib/paths.ts";
import { clearStaged } from "../../lib/steps/plan_pull.ts";
import { planRemove } from "../../lib/steps/plan_remove.ts";
import { describeStep } from "../../lib/steps/step.ts";

const name = parseMachineName("web");

test("planRemove() makes the machine unstartable first, and forgets last that it was to be removed", () => {
  expect(planRemove("/", name, true).map(describeStep)).toEqual([
    "write /var/lib/man8machine_configs/.mbctl-remove.web (600, 0 bytes)",
    "remove /etc/systemd/system/machines.target.wants/systemd-nspawn@web.service",
    "remove /var/lib/machines/web",
    "remove /etc/systemd/nspawn/web.nspawn",
    "remove /etc/systemd/system/systemd-nspawn@web.service.d",
    "systemctl daemon-reload",
    "remove /var/lib/man8machines/web",
    "remove /var/lib/man8machine_storage/web",
    "remove /var/lib/man8machine_configs/web",
    "remove /var/lib/man8machines/.mbctl-snapshots/web",
    "remove /var/lib/man8machine_configs/.mbctl-snapshots/web",
    "remove /var/lib/man8machine_storage/.mbctl-snapshots/web",
    "bring firewall, names and relays of the host in line with its machines",
    "remove /var/lib/man8machines/.mbctl-new.web",
    "remove /var/lib/man8machine_storage/.mbctl-new.web",
    "remove /var/lib/man8machine_configs/.mbctl-new.web",
    "remove /var/lib/man8machines/.mbctl-old.web",
    "remove /var/lib/man8machine_storage/.mbctl-old.web",
    "remove /var/lib/man8machine_configs/.mbctl-old.web",
    "remove /var/lib/man8machine_configs/.mbctl-change.web",
    "remove /var/lib/man8machine_configs/.mbctl-remove.web",
  ]);
});

test("planRemove() asks no systemd below another root", () => {
  expect(planRemove("/mnt", name, false).some((step) => step.kind === "reload-systemd")).toBe(
    false,
  );
});

test("planRemove() also clears a pull that was not ended", () => {
  const marker = "/srv/one\n/srv/two\n";
  const extra = clearStaged(machinePaths("/", name), marker);
  const steps = planRemove("/", name, true, marker);
  expect(steps.slice(-1 - extra.length, -1)).toEqual(extra);
  expect(extra.flatMap((step) => (step.kind === "clear-host-volume" ? [step.into] : []))).toEqual([
    "/srv/one",
    "/srv/two",
  ]);
});

test("planRemove() removes every name of ours that a pull wants to be free", () => {
  const removed = planRemove("/", name, true).flatMap((step) =>
    step.kind === "remove" ? [step.path] : [],
  );
  const others = namesOf("/", name).filter((path) => !removed.includes(path));
  expect(others).toEqual([
    "/run/systemd/nspawn/web.nspawn",
    "/var/lib/machines/web.nspawn",
    "/var/lib/machines/web.raw",
  ]);
});
