import { describe, expect, test } from "bun:test";
import { evaluateHost } from "../../lib/check/evaluate_host.ts";
import { isSound } from "../../lib/check/finding.ts";
import type { HostFacts } from "../../lib/check/host_facts.ts";
import { withoutStyles } from "../../lib/cli/terminal.ts";
import { renderFindings } from "../../scripts/_findings.ts";
import { expectGolden } from "../golden/golden.ts";
import { goodFiles, goodHost, goodLink } from "./_facts.ts";
import { bare, bridge, derived, expectOneLine, machine, type Row, system } from "./_rows.ts";

const rows: readonly Row[] = [
  [
    "settings that cannot be read",
    derived({ problem: "Cannot find x" }),
    "wrong",
    "firewall",
    "Cannot find x",
    "mbctl host setup",
  ],
  [
    "no firewall",
    derived({ firewall: "absent" }),
    "missing",
    "firewall",
    "not loaded",
    "mbctl host reload",
  ],
  [
    "an old firewall",
    derived({ firewall: "different" }),
    "wrong",
    "firewall",
    "not what config.toml",
    "mbctl host reload",
  ],
  [
    "old names",
    derived({ hasHostsBlock: false }),
    "wrong",
    "/etc/hosts",
    "does not have the names",
    "mbctl host reload",
  ],
  [
    "a rule that names nobody",
    derived({ badSettings: ["Cannot allow x"] }),
    "wrong",
    "settings",
    "Cannot allow x",
    "mend it, then mbctl host reload",
  ],
  [
    "old relays",
    derived({ staleFiles: ["/a.socket", "/b"] }),
    "wrong",
    "units",
    "not current: /a.socket and 1 more",
    "mbctl host reload",
  ],
  [
    "a broken machine.toml",
    machine({ problem: 'Cannot read "x": y' }),
    "wrong",
    "machines",
    'Cannot read "x": y',
    "mend the file",
  ],
  [
    "a machine without a tree",
    machine({ missing: ["/t", "/u"] }),
    "missing",
    "machines",
    "web: /t and 1 more",
    "copy its data away, then mbctl machines remove web, and pull it again",
  ],
  [
    "a link that is gone",
    machine({ links: [{ path: "/l", target: "/t", actual: undefined }] }),
    "missing",
    "machines",
    "web: /l is no link",
    "ln -sfnT /t /l",
  ],
  [
    "a link elsewhere",
    machine({ links: [{ path: "/l", target: "/t", actual: "/x" }] }),
    "wrong",
    "machines",
    "web: /l is a link to /x",
    "ln -sfnT /t /l",
  ],
  [
    "a machine whose folder of the host is gone",
    machine({ missingSources: [{ path: "/srv/x", target: "/y" }] }),
    "missing",
    "machines",
    "web: /srv/x, which it has at /y, is not there",
    "make it, or take it out: mbctl machines edit web",
  ],
  [
    "a volume in a volume that nobody looks after",
    machine({ lacksVolumeGuard: true }),
    "warning",
    "machines",
    "web: a volume lies in another, and its unit does not look for links there",
    "mbctl machines apply web",
  ],
  [
    "a killed pull",
    machine({ pending: { work: "pull" } }),
    "wrong",
    "machines",
    "web: its pull was not ended",
    "mbctl machines remove web",
  ],
  [
    "a pull under way",
    machine({ pending: { work: "pull", holder: 12 } }),
    "note",
    "machines",
    "web: process 12 is at its pull",
    undefined,
  ],
  [
    "a machine that is unplugged",
    machine({ plug: { interface: "vb-web", isPlugged: false } }),
    "wrong",
    "machines",
    "vb-web is not plugged into srvgrp0",
    "ip link set vb-web master srvgrp0 up",
  ],
];

describe("evaluateHost()", () => {
  test("finds nothing wrong with a good host", () => {
    const findings = evaluateHost(goodHost);
    expect(findings.filter(({ verdict }) => verdict !== "ok")).toEqual([]);
    expect(findings.every(({ mend }) => mend === undefined)).toBe(true);
    expect(isSound(findings)).toBe(true);
  });

  test.each(rows)(
    "tells of %s in one line, with what mends it",
    (_, facts, verdict, check, seen, mend) => {
      expectOneLine(facts, { verdict, check, seen, mend });
    },
  );

  test("has a line for each part, and one more for each thing that is wrong with it", () => {
    expect(evaluateHost(goodHost).map(({ check }) => check)).toEqual([
      ...["systemd", "kernel", "nftables", "skopeo", "busybox", "space"],
      ...["yggdrasil", "trusted host", "bridge", "network", "forwarding", "masquerading"],
      ...["DHCP", "router advertisements", "names", "firewall", "/etc/hosts", "machines"],
    ]);
  });

  test("knows what networkd's file does not ask for", () => {
    const findings = evaluateHost(bridge({ manager: bare, hasDhcpServer: false }));
    expect(findings.filter(({ verdict }) => verdict !== "ok")).toEqual([
      {
        check: "DHCP",
        verdict: "wrong",
        seen: "no server: machines get no IPv4",
        mend: "mbctl host setup",
      },
      {
        check: "router advertisements",
        verdict: "wrong",
        seen: "not sent by /etc/x.network",
        mend: "mbctl host setup",
      },
    ]);
  });

  test("counts 6.1 as later than 5.12", () => {
    expect(isSound(evaluateHost(system({ kernel: "6.1.0" })))).toBe(true);
  });

  test("has no bridge to mend where nobody is there to keep it", () => {
    const facts = bridge({
      link: undefined,
      manager: { kind: "nobody", running: ["NetworkManager"] },
    });
    expect(evaluateHost(facts).filter(({ verdict }) => verdict !== "ok")).toMatchObject([
      { check: "bridge", verdict: "missing", mend: "mbctl host setup" },
      { check: "network", verdict: "wrong", mend: "mbctl host setup" },
    ]);
  });

  test("tells of a broken machine.toml once, and of stale files beside an absent firewall", () => {
    const problem = "Cannot read it";
    const facts: HostFacts = {
      ...derived({ badSettings: [problem], firewall: "absent", staleFiles: ["/x"] }),
      machines: [goodFiles, { ...goodFiles, problem }],
    };
    const bad = evaluateHost(facts).filter(({ verdict }) => verdict !== "ok");
    expect(bad.map(({ check }) => check)).toEqual(["firewall", "units", "machines"]);
    const empty: HostFacts = { ...derived({ staleFiles: ["/x"] }), machines: [] };
    expect(isSound(evaluateHost(empty))).toBe(false);
  });

  test("expects nothing of a host before its first machine", () => {
    const facts: HostFacts = {
      ...bridge({
        hasDhcpServer: false,
        link: { ...goodLink, hasCarrier: false },
      }),
      derived: { ...goodHost.derived, firewall: "absent", staleFiles: ["/x"] },
      machines: [],
    };
    expect(evaluateHost(facts).filter(({ verdict }) => verdict !== "ok")).toEqual([]);
  });
});

describe("renderFindings()", () => {
  const shown = (facts: HostFacts) => withoutStyles(renderFindings(evaluateHost(facts)));

  test("shows a line for each finding", () => {
    expectGolden("check/good_host.txt", shown(goodHost));
    const bad: HostFacts = {
      ...goodHost,
      system: { ...goodHost.system, skopeo: "missing" },
      mesh: {
        ...goodHost.mesh,
        running: undefined,
        trusted: [{ name: "hostb", isReachable: false }],
      },
      bridge: { ...goodHost.bridge, isForwarding: { ipv4: true, ipv6: false } },
      derived: { ...goodHost.derived, firewall: "absent" },
    };
    expectGolden("check/bad_host.txt", shown(bad));
  });
});
