import { test } from "bun:test";
import { expectOneLine, mesh, old, type Row } from "./_rows.ts";

const rows: readonly Row[] = [
  [
    "no yggdrasil",
    mesh({ isInstalled: false, running: undefined }),
    "missing",
    "yggdrasil",
    "not installed",
    "apt install yggdrasil",
  ],
  [
    "no key",
    mesh({ hasConfiguration: false, running: undefined }),
    "missing",
    "yggdrasil",
    "no key yet",
    "mbctl host setup",
  ],
  [
    "yggdrasil stopped",
    mesh({ running: undefined }),
    "wrong",
    "yggdrasil",
    "not running",
    "systemctl enable --now yggdrasil",
  ],
  [
    "another prefix in config.toml",
    mesh({ running: old }),
    "wrong",
    "prefix",
    "config.toml says 300:2e98:a4b0:1789::/64, yggdrasil has 300:1:2:3::/64",
    "take prefix out of /etc/mbctl/config.toml, then mbctl host renumber",
  ],
  [
    "a changed key",
    mesh({
      oldAddresses: [
        { machine: "web", address: "300::7" },
        { machine: "db", address: "300::8" },
      ],
    }),
    "wrong",
    "prefix",
    "web has 300::7 and 1 more",
    "mbctl host renumber",
  ],
  [
    "an old key in [hosts]",
    mesh({ ownLine: 'hosta = "ab"' }),
    "warning",
    "prefix",
    "has an old key of this host",
    'write there: hosta = "ab"',
  ],
  [
    "multicast on the bridge",
    mesh({ multicast: ["eth0", "srvgrp0"] }),
    "warning",
    "multicast",
    "other nodes on srvgrp0",
    "mbctl host setup",
  ],
  [
    "a trusted host that is away",
    mesh({ trusted: [{ name: "hostb", isReachable: false }] }),
    "note",
    "trusted host",
    "hostb does not answer",
    undefined,
  ],
];

test.each(rows)(
  "evaluateMesh() tells of %s in one line, with what mends it",
  (_, facts, verdict, check, seen, mend) => {
    expectOneLine(facts, { verdict, check, seen, mend });
  },
);
