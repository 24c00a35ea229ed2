import { describe, expect, test } from "bun:test";
import { evaluateMachine } from "../../lib/check/evaluate_machine.ts";
import { type Finding, isSound } from "../../lib/check/finding.ts";
import type { LiveFacts, MachineFacts, UnitFacts } from "../../lib/check/machine_facts.ts";
import type { Listener } from "../../lib/check/sockets.ts";
import { withoutStyles } from "../../lib/cli/terminal.ts";
import { parseIpv4 } from "../../lib/network/ipv4.ts";
import type { NetworkKind } from "../../lib/network/template.ts";
import { renderFindings } from "../../scripts/_findings.ts";
import { expectGolden } from "../golden/golden.ts";
import { address, goodFiles, goodLive, goodMachine } from "./_facts.ts";

const live = (change: Partial<LiveFacts>): MachineFacts => ({
  ...goodMachine,
  live: { ...goodLive, ...change },
});
const stopped = (unit: Partial<UnitFacts>): MachineFacts => ({
  ...goodMachine,
  live: undefined,
  unit: { ...goodMachine.unit, ...unit },
});
const network = (network: NetworkKind, change: Partial<LiveFacts> = {}): MachineFacts => ({
  ...live(change),
  dropIn: undefined,
  template: { name: network.kind, summary: "", network },
});
const [host0] = goodLive.interfaces;
const addresses = (texts: readonly string[]): MachineFacts =>
  live({
    interfaces: host0 ? [{ ...host0, addresses: texts.map((text) => address(text)) }] : [],
  });
const [mesh = "", ula = ""] = host0?.addresses.map((own) => own.address) ?? [];
const web: Listener = {
  protocol: "tcp",
  port: 80,
  addresses: ["0.0.0.0"],
  program: "nginx",
  reach: "ipv4",
};
const restart = "mbctl machines restart web";
const logs = "mbctl machines logs web -n 20";

type Line = readonly [Finding["verdict"], string, string, string?];
/** What is changed, and the lines that are not ok. */
const rows: readonly (readonly [string, MachineFacts, readonly Line[]])[] = [
  [
    "one that is stopped",
    stopped({ active: "inactive", sub: "dead" }),
    [
      ["note", "unit", "stopped", "mbctl machines start web"],
      ["wrong", "reachable", "it is stopped", "mbctl machines start web"],
    ],
  ],
  [
    "one whose program failed",
    stopped({ active: "failed", sub: "failed", result: "exit-code", exitStatus: 7 }),
    [
      ["wrong", "unit", "failed: exit code 7", logs],
      ["wrong", "reachable", "its program has ended", logs],
    ],
  ],
  [
    "one that was killed",
    stopped({ active: "failed", sub: "failed", result: "signal", restarts: 3 }),
    [
      ["wrong", "unit", "failed: signal, started anew 3 times", logs],
      ["wrong", "reachable", "its program has ended", logs],
    ],
  ],
  [
    "one that ends again and again",
    stopped({ active: "activating", sub: "auto-restart", result: "exit-code", restarts: 9 }),
    [
      ["wrong", "unit", "ends again and again, started anew 9 times: exit-code", logs],
      ["wrong", "reachable", "its program has ended", logs],
    ],
  ],
  [
    "one that is stopping",
    stopped({ active: "deactivating" }),
    [
      ["note", "unit", "deactivating"],
      ["wrong", "reachable", "it does not run: deactivating", logs],
    ],
  ],
  [
    "one without its tree",
    { ...stopped({ active: "inactive" }), files: { ...goodFiles, missing: ["/t"] } },
    [
      [
        "missing",
        "files",
        "web: /t",
        "copy its data away, then mbctl machines remove web, and pull it again",
      ],
      ["note", "unit", "stopped", "mbctl machines start web"],
      [
        "wrong",
        "reachable",
        "it is not whole: web: /t",
        "copy its data away, then mbctl machines remove web, and pull it again",
      ],
    ],
  ],
  [
    "a drop-in that systemd has not read",
    { ...goodMachine, unit: { ...goodMachine.unit, needsReload: true } },
    [
      [
        "warning",
        "unit settings",
        "systemd-nspawn@web.service has changed on disk",
        "systemctl daemon-reload",
      ],
    ],
  ],
  [
    "a drop-in that is not ours",
    { ...goodMachine, dropIn: `${goodMachine.dropIn}Nice=1\n` },
    [
      [
        "warning",
        "unit settings",
        "the drop-in of systemd-nspawn@web.service: not what this mbctl writes",
      ],
    ],
  ],
  [
    "one that is unplugged",
    { ...goodMachine, files: { ...goodFiles, plug: { interface: "vb-web", isPlugged: false } } },
    [
      [
        "wrong",
        "machines",
        "systemd-nspawn@web.service runs, but vb-web is not plugged into srvgrp0",
        "ip link set vb-web master srvgrp0 up",
      ],
      [
        "wrong",
        "reachable",
        "it is not plugged into srvgrp0",
        "ip link set vb-web master srvgrp0 up",
      ],
    ],
  ],
  [
    "no mesh address in its env file",
    { ...goodMachine, files: { ...goodFiles, address: undefined } },
    [
      ["wrong", "mesh address", "none in its env file"],
      ["wrong", "reachable", "its env file gives it no mesh address"],
    ],
  ],
  [
    "a mesh address that was removed",
    addresses([ula, "10.199.0.130"]),
    [
      ["missing", "mesh address", `${mesh} is not on host0`, restart],
      ["wrong", "reachable", `its mesh address ${mesh} is not on host0`, restart],
    ],
  ],
  [
    "a mesh address that another has",
    live({
      interfaces: host0
        ? [
            {
              ...host0,
              addresses: host0.addresses.map((own) => ({
                ...own,
                isDuplicate: own.address === mesh,
              })),
            },
          ]
        : [],
    }),
    [
      ["wrong", "mesh address", `another node of the bridge has ${mesh}`, restart],
      ["wrong", "reachable", `another node of the bridge has its mesh address ${mesh}`, restart],
    ],
  ],
  [
    "no lease and no ULA",
    addresses([mesh, "192.168.1.2", "fd00::1"]),
    [["wrong", "ULA and IPv4", `it lacks the ULA ${ula} and an IPv4 address: no lease`, restart]],
  ],
  [
    "another IPv4 address than machine.toml says",
    {
      ...goodMachine,
      spec: goodMachine.spec && { ...goodMachine.spec, ipv4: parseIpv4("10.199.0.17") },
    },
    [["wrong", "ULA and IPv4", "it lacks its IPv4 address 10.199.0.17", restart]],
  ],
  [
    "no rule to table 199",
    live({ rules: [] }),
    [
      ["missing", "mesh routes", "no rule to 200::/7 lookup 199", restart],
      ["wrong", "reachable", "its answers get lost: it has no rule to 200::/7 lookup 199", restart],
    ],
  ],
  [
    "a rule to another table, and another one to table 199",
    live({
      rules: [
        { priority: 1, to: "200::/7", table: "main" },
        { priority: 2, to: "300::/8", table: "199" },
      ],
    }),
    [
      ["missing", "mesh routes", "no rule to 200::/7 lookup 199", restart],
      ["wrong", "reachable", "its answers get lost: it has no rule to 200::/7 lookup 199", restart],
    ],
  ],
  [
    "a route from another address",
    live({ meshRoutes: goodLive.meshRoutes.map((route) => ({ ...route, source: ula })) }),
    [
      [
        "missing",
        "mesh routes",
        "no route 300:2e98:a4b0:1789::/64 in table 199, no route 200::/7 via 300:2e98:a4b0:1789::1 in table 199",
        restart,
      ],
      [
        "wrong",
        "reachable",
        "its answers get lost: it has no route 300:2e98:a4b0:1789::/64 in table 199",
        restart,
      ],
    ],
  ],
  [
    "no route to the mesh",
    live({ meshRoutes: goodLive.meshRoutes.slice(0, 1) }),
    [
      [
        "missing",
        "mesh routes",
        "no route 200::/7 via 300:2e98:a4b0:1789::1 in table 199",
        restart,
      ],
      [
        "wrong",
        "reachable",
        "its answers get lost: it has no route 200::/7 via 300:2e98:a4b0:1789::1 in table 199",
        restart,
      ],
    ],
  ],
  [
    "no default routes",
    live({ routes: { ipv4: [], ipv6: [] } }),
    [["warning", "default routes", `none for IPv4 and IPv6 from ${ula}`]],
  ],
  [
    "a default route by advertisement alone",
    live({ routes: { ...goodLive.routes, ipv6: [{ to: "default" }, { to: "x", source: ula }] } }),
    [["warning", "default routes", `none for IPv6 from ${ula}`]],
  ],
  [
    "no answer to a ping",
    live({ answersPing: false }),
    [["wrong", "reachable", `${mesh} does not answer the host's ping`, "mbctl host check"]],
  ],
  [
    "a program that listens on IPv4 alone",
    live({ listeners: [web] }),
    [
      [
        "warning",
        "listens",
        "80/tcp nginx (0.0.0.0): IPv4 alone, not at the mesh address",
        'write relay6 = ["80"] to web\'s machine.toml, then mbctl host reload',
      ],
      [
        "wrong",
        "reachable",
        "its programs listen on IPv4 alone, and the mesh is IPv6: 80/tcp nginx (0.0.0.0)",
        'write relay6 = ["auto"] to web\'s machine.toml, then mbctl host reload',
      ],
    ],
  ],
  [
    "the same beside a port that all reach",
    live({ listeners: [{ ...web, protocol: "udp", port: 53 }, ...goodLive.listeners] }),
    [
      [
        "warning",
        "listens",
        "53/udp nginx (0.0.0.0): IPv4 alone, not at the mesh address",
        'write relay6 = ["53/udp"] to web\'s machine.toml, then mbctl host reload',
      ],
    ],
  ],
  [
    "a program that listens on 127.0.0.1 alone",
    live({ listeners: [{ ...web, addresses: ["127.0.0.1"], reach: "loopback" }] }),
    [
      ["note", "listens", "80/tcp nginx (127.0.0.1): nobody outside of the machine reaches it"],
      [
        "wrong",
        "reachable",
        "its programs listen on the loopback address alone: 80/tcp nginx (127.0.0.1)",
        "make the program listen on [::], or on 0.0.0.0 with a relay",
      ],
    ],
  ],
  [
    "a port that takes no connection",
    live({ refusingPorts: [80] }),
    [
      [
        "wrong",
        "reachable",
        "80/tcp nginx (0.0.0.0, ::) does not take the host's connection",
        logs,
      ],
    ],
  ],
  [
    "a published port without a socket",
    { ...goodMachine, silentPorts: [{ port: "8080:80", unit: "x.socket" }] },
    [["wrong", "published", "8080:80: nobody listens on the host", "systemctl restart x.socket"]],
  ],
  [
    "a relay that has failed",
    { ...goodMachine, failedUnits: ["mbctl-relay6_web.service"] },
    [
      [
        "wrong",
        "relays",
        "mbctl-relay6_web.service has failed",
        "systemctl restart mbctl-relay6_web.service",
      ],
    ],
  ],
  [
    "a private network",
    network({ kind: "private" }, { listeners: [], interfaces: [] }),
    [["note", "reachable", "by nobody, as its template says: private"]],
  ],
  [
    "a macvlan without an address",
    network({ kind: "macvlan", parent: "eth0" }, { interfaces: [] }),
    [["warning", "addresses", "none on eth0 yet"]],
  ],
];

describe("evaluateMachine()", () => {
  test.each([
    ["of the bridge", goodMachine],
    ["where nothing listens", live({ listeners: [] })],
    [
      "with a relay and no program yet",
      live({ listeners: [{ ...web, reach: "relayed", program: undefined }] }),
    ],
    ["with a relay", live({ listeners: [{ ...web, reach: "relayed" }] })],
    ["in the host's network", network({ kind: "host" }, { listeners: [web] })],
    ["on the host's link", network({ kind: "macvlan", parent: "eth0" }, { listeners: [web] })],
  ] as const)("finds nothing wrong with a machine %s", (_, facts) => {
    const findings = evaluateMachine(facts);
    expect(findings.filter(({ verdict }) => verdict !== "ok")).toEqual([]);
    expect(isSound(findings)).toBe(true);
  });

  test.each(rows)("tells of %s", (_, facts, lines) => {
    const findings = evaluateMachine(facts).filter(({ verdict }) => verdict !== "ok");
    expect(
      findings.map(({ verdict, check, seen, mend }): Line =>
        mend === undefined ? [verdict, check, seen] : [verdict, check, seen, mend],
      ),
    ).toEqual([...lines]);
  });

  test("takes a published port for a way in, if the program listens where it leads", () => {
    const last = (listener: Listener) => {
      const { spec } = goodMachine;
      const publish = [{ hostPort: 8080, machinePort: 80, protocol: "tcp" } as const];
      const facts = { ...live({ listeners: [listener] }), spec: spec && { ...spec, publish } };
      return evaluateMachine(facts).at(-1);
    };
    expect(last(web)).toEqual({
      check: "reachable",
      verdict: "ok",
      seen: `${mesh} answers the host; published: 80/tcp`,
    });
    expect(last({ ...web, reach: "all" })?.seen).toEndWith("; 80/tcp; published: 80/tcp");
    for (const other of [{ port: 81 }, { protocol: "udp" }, { reach: "loopback" }] as const) {
      expect(last({ ...web, ...other })?.verdict).toBe("wrong");
    }
  });

  test("shows a line for each thing, and who may reach it", () => {
    const shown = (facts: MachineFacts) => withoutStyles(renderFindings(evaluateMachine(facts)));
    expectGolden("check/good_machine.txt", shown(goodMachine));
    expectGolden("check/ipv4_machine.txt", shown(live({ listeners: [web] })));
  });
});
