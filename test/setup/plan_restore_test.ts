import { describe, expect, test } from "bun:test";
import { planRestore, type RestoreInput } from "../../lib/setup/plan_restore.ts";
import { resolvedUnit, yggdrasilUnit } from "../../lib/setup/plan_setup.ts";
import { networkd } from "../../lib/setup/networkd.ts";
import type { SetupFacts } from "../../lib/setup/record.ts";
import { describeSetupStep } from "../../lib/setup/setup_step.ts";
import { doneFacts, file, network, unit, wantedFiles, yggdrasilFile } from "./_input.ts";

const forwarding = "/etc/sysctl.d/80-man8s-forwarding.conf";

/** A host as a set-up has left it. */
function standing(facts: SetupFacts, change: Partial<RestoreInput> = {}): RestoreInput {
  return {
    backend: networkd,
    facts,
    kept: undefined,
    files: new Map(
      wantedFiles().map(({ wanted }) => [wanted.path, file(wanted.text, wanted.mode)]),
    ),
    units: new Map([
      ["systemd-networkd.service", unit()],
      ["systemd-networkd-wait-online.service", unit({ isEnabled: false, isActive: false })],
      [resolvedUnit, unit()],
      [yggdrasilUnit, unit()],
    ]),
    settings: new Map([
      ["net/ipv4/ip_forward", "1"],
      ["net/ipv6/conf/all/forwarding", "1"],
    ]),
    hasBridge: true,
    isFirewalldActive: false,
    keepKey: false,
    staged: [],
    savedName: (path) => `${path}.mbctl-saved`,
    ...change,
  };
}

const words = (input: RestoreInput) =>
  planRestore(input).map((step) => describeSetupStep(step).replace(/ \(.*\)/, ""));

describe("planRestore()", () => {
  test("goes all the way back", () => {
    expect(words(standing(doneFacts()))).toEqual([
      "remove mbctl's firewall, and its names from /etc/hosts",
      "systemctl stop yggdrasil.service",
      "remove /etc/yggdrasil/yggdrasil.conf",
      "remove /etc/sysctl.d/80-man8s-forwarding.conf",
      "remove /etc/systemd/resolved.conf.d/80-man8s-dns.conf",
      "remove /etc/systemd/network/80-srvgrp0.network",
      "remove /etc/systemd/network/80-srvgrp0.netdev",
      "systemctl disable yggdrasil.service",
      "ip address flush dev srvgrp0",
      "networkctl reload",
      "ip link delete dev srvgrp0",
      "systemctl restart systemd-resolved.service",
      "set net/ipv4/ip_forward = 0 in the kernel",
      "remove what is empty of the nftables tables ip io.systemd.nat, ip6 io.systemd.nat",
      "remove /var/lib/systemd/network/dhcp-server-lease/srvgrp0",
      "remove /var/lib/mbctl/setup.json",
      "remove the folder /var/lib/mbctl if it is empty",
      "remove the folder /etc/yggdrasil if it is empty",
    ]);
  });

  test("has a way back as short as the way was, when it was killed at once", () => {
    const none = new Map(wantedFiles().map(({ wanted }) => [wanted.path, undefined]));
    const units = new Map(
      doneFacts().units.map(({ name, ...state }) => [name, unit(state)] as const),
    );
    const staged = ["/etc/.x.mbctl-new"];
    const settings = new Map(doneFacts().settings.map(({ key, value }) => [key, value]));
    const steps = words(
      standing(doneFacts(), { files: none, units, settings, staged, hasBridge: false }),
    );
    expect(
      steps.filter((step) => /systemctl|networkctl|ip |set |write|mbctl-new/.test(step)),
    ).toEqual([
      "remove /etc/.x.mbctl-new",
      "remove what is empty of the nftables tables ip io.systemd.nat, ip6 io.systemd.nat",
    ]);
  });

  test("puts files back that were there, and keeps what was edited since", () => {
    const before = { ...file("mine", 0o600), owner: 5 };
    const files = wantedFiles().map((plan) => ({ ...plan, present: before }));
    const facts = doneFacts({ files, isKeyNew: false });
    const steps = planRestore(
      standing(facts, {
        files: new Map([
          ...wantedFiles().map(({ wanted }) => [wanted.path, file(wanted.text)] as const),
          [yggdrasilFile, file("edited")],
          [forwarding, before],
        ]),
      }),
    ).filter(({ kind }) => kind === "keep-file" || kind === "write-file");
    expect(steps.slice(0, 2)).toEqual([
      { kind: "keep-file", path: yggdrasilFile, as: `${yggdrasilFile}.mbctl-saved` },
      { kind: "write-file", path: yggdrasilFile, file: before },
    ]);
    // One of five is as it was already.
    expect(steps.length).toBe(5);
  });

  test("knows its own files again after `host renumber`, and nobody else's", () => {
    const renumbered = (text: string) => text.replaceAll("300:1:2:3:", "300:9:9:9:");
    const steps = (more: string) => {
      const now = wantedFiles().map(
        ({ wanted }) => [wanted.path, file(renumbered(wanted.text) + more)] as const,
      );
      const paths = networkd.files(network).map(({ path }) => path);
      return planRestore(standing(doneFacts(), { files: new Map(now) })).filter(
        (step) => "path" in step && paths.includes(step.path),
      );
    };
    expect(steps("").map(({ kind }) => kind)).toEqual(["remove-file", "remove-file"]);
    expect(steps("# mine\n").map(({ kind }) => kind)).toEqual(["keep-file", "keep-file"]);
  });

  test("keeps the key that setup made, if it is to", () => {
    expect(words(standing(doneFacts(), { keepKey: true }))).not.toContain(
      `remove ${yggdrasilFile}`,
    );
    const given = doneFacts({ isKeyNew: false });
    expect(words(standing(given, { keepKey: true }))).toContain(`remove ${yggdrasilFile}`);
  });

  test("goes back to the set-up before, where there was one", () => {
    const kept = doneFacts();
    const facts = doneFacts({ files: wantedFiles().slice(0, 1), hasBridge: true });
    const steps = planRestore(standing(facts, { kept }));
    expect(steps.map(describeSetupStep)).toEqual([
      "systemctl stop yggdrasil.service",
      "remove /etc/systemd/network/80-srvgrp0.netdev",
      "systemctl disable yggdrasil.service",
      "networkctl reload",
      "set net/ipv4/ip_forward = 0 in the kernel",
      "bring firewall, names and relays of the host in line with its machines",
      "note in /var/lib/mbctl/setup.json what was changed",
    ]);
    expect(steps.at(-1)).toEqual({ kind: "write-record", record: { schema: 1, done: kept } });
  });

  test("stops a backend that did not run, after the bridge is gone; what was enabled is enabled again", () => {
    const units = new Map([
      ["systemd-networkd.service", unit({ isEnabled: false, isActive: false })],
      ["systemd-networkd.socket", unit()],
      ["systemd-networkd-varlink.socket", unit({ isActive: false })],
      [resolvedUnit, unit()],
      [yggdrasilUnit, unit()],
    ]);
    const now = new Map([
      ["systemd-networkd.service", unit()],
      ["systemd-networkd.socket", unit({ isEnabled: false })],
      ["systemd-networkd-varlink.socket", unit()],
      [resolvedUnit, unit()],
      [yggdrasilUnit, unit()],
    ]);
    const steps = words(standing(doneFacts({ units }), { units: now }));
    const of = (step: string) => steps.indexOf(step);
    expect(of("systemctl disable systemd-networkd.service")).toBeGreaterThan(0);
    expect(of("systemctl enable systemd-networkd.socket")).toBe(
      of("systemctl disable systemd-networkd.service") + 1,
    );
    expect(of("systemctl stop systemd-networkd.service systemd-networkd-varlink.socket")).toBe(
      of("ip link delete dev srvgrp0") + 1,
    );
    expect(steps).not.toContain("networkctl reload");
  });
});
