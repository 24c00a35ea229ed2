import { describe, expect, test } from "bun:test";
import { planSetup, resolvedUnit, yggdrasilUnit } from "../../lib/setup/plan_setup.ts";
import { describeSetupStep } from "../../lib/setup/setup_step.ts";
import { doneFacts, file, input, unit, wantedFiles, yggdrasilFile } from "./_input.ts";

/** The files as a set-up has left them. */
const standing = () =>
  wantedFiles().map(({ wanted }) => ({ wanted, present: file(wanted.text, wanted.mode) }));
const running = new Map([
  ["systemd-networkd.service", unit()],
  [resolvedUnit, unit()],
  [yggdrasilUnit, unit()],
]);
const settings = [{ key: "net/ipv4/ip_forward", wanted: "1", present: "1" }];
const isWhole = { files: standing(), units: running, settings, isBridgeUp: true, isDerived: true };
const words = (change: Parameters<typeof input>[0]) =>
  planSetup(input(change)).steps.map((step) =>
    describeSetupStep(step).replace(/ \(\d+, \d+ bytes\)/, ""),
  );
const tail = [
  "wait until srvgrp0 has its addresses",
  "wait until yggdrasil answers",
  "bring firewall, names and relays of the host in line with its machines",
  "note in /var/lib/mbctl/setup.json what was changed",
];
const note = "note in /var/lib/mbctl/setup.json what is there now";

describe("planSetup()", () => {
  test("notes what is there before it changes anything, and what it changed at the end", () => {
    expect(words({})).toEqual([
      note,
      "write /etc/systemd/network/80-srvgrp0.netdev",
      "write /etc/systemd/network/80-srvgrp0.network",
      "write /etc/systemd/resolved.conf.d/80-man8s-dns.conf",
      "write /etc/sysctl.d/80-man8s-forwarding.conf",
      "write /etc/yggdrasil/yggdrasil.conf",
      "set net/ipv4/ip_forward = 1 in the kernel",
      "networkctl reload",
      "systemctl restart systemd-resolved.service",
      "systemctl enable yggdrasil.service",
      "systemctl start yggdrasil.service",
      ...tail,
    ]);
  });

  test("has nothing to do where all is as it is to be", () => {
    expect(words(isWhole)).toEqual([]);
  });

  test.each([
    [
      "a bridge that is gone",
      { isBridgeUp: false },
      ["systemctl restart systemd-networkd.service"],
    ],
    [
      "a bridge that is gone with a file",
      {
        isBridgeUp: false,
        files: standing().map((plan, index) =>
          index === 0 ? { ...plan, present: undefined } : plan,
        ),
      },
      [
        "write /etc/systemd/network/80-srvgrp0.netdev",
        "systemctl restart systemd-networkd.service",
      ],
    ],
    ["a firewall that is gone", { isDerived: false }, []],
    [
      "a service that was stopped and disabled",
      { units: new Map([...running, [resolvedUnit, unit({ isActive: false, isEnabled: false })]]) },
      ["systemctl enable systemd-resolved.service", "systemctl start systemd-resolved.service"],
    ],
    [
      "a setting",
      { settings: [{ key: "net/ipv4/ip_forward", wanted: "1", present: "0" }] },
      ["set net/ipv4/ip_forward = 1 in the kernel"],
    ],
  ])("mends %s alone", (_, change, mended) => {
    expect(words({ ...isWhole, ...change })).toEqual([note, ...mended, ...tail]);
  });

  test("does not wait for an answer of a yggdrasil that gives none", () => {
    const steps = words({ ...isWhole, isDerived: false, canAskYggdrasil: false });
    expect(steps).toEqual([
      note,
      ...tail.filter((step) => step !== "wait until yggdrasil answers"),
    ]);
  });

  test("does not let a service that it enables hold up the boot", () => {
    const units = new Map([
      ...running,
      ["systemd-networkd.service", unit({ isActive: false, isEnabled: false })],
      ["systemd-networkd-wait-online.service", unit({ isActive: false, isEnabled: false })],
      ["systemd-networkd.socket", unit({ isActive: false })],
    ] as const);
    expect(words({ ...isWhole, units })).toEqual([
      note,
      "systemctl enable systemd-networkd.service",
      "systemctl disable systemd-networkd-wait-online.service",
      "systemctl start systemd-networkd.service",
      ...tail,
    ]);
  });

  test("asks about files of others, not about its own", () => {
    const files = wantedFiles().map((plan) => ({ ...plan, present: file("other") }));
    const paths = files.map(({ wanted }) => wanted.path);
    expect(planSetup(input({ files })).changed).toEqual(paths);
    // What stands there now was written by a setup before.
    const done = doneFacts({
      files: wantedFiles().map(({ wanted }) => ({
        wanted: { ...wanted, text: "other" },
        present: undefined,
      })),
    });
    expect(planSetup(input({ files, record: { schema: 1, done } })).changed).toEqual([]);
  });

  test("keeps mode and owner of a file that is there", () => {
    const files = wantedFiles().map((plan) => ({
      ...plan,
      present: { ...file("old", 0o400), owner: 7, group: 8 },
    }));
    const step = planSetup(input({ files })).steps.find(
      (candidate) => candidate.kind === "write-file" && candidate.path === yggdrasilFile,
    );
    expect(step).toEqual({
      kind: "write-file",
      path: yggdrasilFile,
      file: { ...file("{ key }", 0o400), owner: 7, group: 8 },
    });
  });
});
