import { expect, test } from "bun:test";
import { formatIpv6, parsePrefix } from "../../lib/address/ipv6.ts";
import { machineAddress } from "../../lib/address/machine_address.ts";
import { parseEnvFile } from "../../lib/env/env_file.ts";
import { parseIpv4 } from "../../lib/network/ipv4.ts";
import { defaultHostNetworks, machineUla } from "../../lib/network/host_network.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { defaultChoices, type MachineSpec } from "../../lib/spec/machine_spec.ts";
import { planTree, treeFitting, type TreeSource } from "../../lib/steps/plan_tree.ts";
import { describeStep } from "../../lib/steps/step.ts";

const facts = {
  ...defaultHostNetworks,
  systemdVersion: 257,
  prefix: parsePrefix("300:2e98:a4b0:1789::/64"),
  stopTimeoutSec: 10,
  connection: { kind: "bridge" },
  busybox: "/bb",
} as const;
const spec: MachineSpec = {
  ...defaultChoices,
  name: parseMachineName("web"),
  image: { reference: "x:1", digest: "sha256:0", manifestDigest: "sha256:1" },
  environment: [],
  volumes: [],
};
const base: MachineSpec = {
  ...spec,
  mode: "base",
  ipv4: parseIpv4("10.199.0.9"),
  os: { packages: [], user: { name: "build" } },
};
const needs = { directories: ["/work"] };
const commands = [["mmdebstrap", "bookworm"]];
const plan = { program: "mmdebstrap", before: [], commands, after: [], caches: [] };
const other = { kind: "machine", name: parseMachineName("box"), path: "/trees/box" } as const;

const complete = "make missing directories in /new: /work";
const init = [complete, "install man8s-init in /new with /bb"];
const settle = "write name and network of web into /new";
const install =
  "install systemd, dbus and login in /new by its own package manager, unless they are there";
const rows: readonly (readonly [
  spec: MachineSpec,
  source: TreeSource,
  steps: readonly string[],
])[] = [
  [spec, { kind: "layers" }, ["unpack x:1 into /new, fetching what the store lacks", ...init]],
  [spec, { kind: "stored", path: "/store/x", isThere: true }, ["clone /store/x to /new", ...init]],
  [
    spec,
    { kind: "stored", path: "/store/x", isThere: false },
    [
      "unpack x:1 into /store/x, for this machine and later ones",
      "clone /store/x to /new",
      ...init,
    ],
  ],
  [
    base,
    { kind: "stored", path: "/store/x", isThere: true },
    ["clone /store/x to /new", complete, install, settle],
  ],
  [
    base,
    { kind: "bootstrap", os: "os:debian:bookworm", plan },
    ["make /new of os:debian:bookworm: mmdebstrap bookworm", complete, settle],
  ],
  [base, { ...other, isRunning: false }, ["clone /trees/box to /new", complete, settle]],
  [
    base,
    { ...other, isRunning: true },
    ["freeze systemd-nspawn@box.service; clone /trees/box to /new; thaw it", complete, settle],
  ],
];

const named = rows.map(
  ([machine, source, steps]) =>
    [`${machine.mode}, ${source.kind}`, machine, source, steps] as const,
);
test.each(named)("planTree() has all steps of a tree: %s", (_, machine, source, steps) => {
  const planned = planTree(source, "x:1", "/new", treeFitting(machine, facts, needs));
  expect(planned.map(describeStep)).toEqual([...steps]);
});

test("a new whole system forgets who it was, and learns its name, user and network", () => {
  const fitting = treeFitting(base, facts, needs);
  const [step] = planTree({ kind: "layers" }, "x:1", "/new", fitting).slice(-1);
  const { prefix, bridge, ula, ipv4, connection } = facts;
  const network = { prefix, bridge, ula, ipv4, connection, fixed: base.ipv4 };
  expect(step).toEqual({
    kind: "settle-system",
    tree: "/new",
    settings: { name: base.name, user: { name: "build" }, network },
    isNew: true,
  });
});

test("what installs a system has another name than its machine, which may run, and other addresses", () => {
  const fitting = treeFitting({ ...base, template: "lan" }, facts, needs);
  const { install } = fitting.kind === "system" ? fitting : { install: undefined };
  expect(install?.name).toMatch(/^mbctl-[0-9a-f]{8}$/);
  const variables = new Map(parseEnvFile(install?.envFile ?? "", "man8env.env"));
  const name = parseMachineName(install?.name ?? "");
  expect(Object.fromEntries(variables)).toEqual({
    MAN8S_CONTAINER_NAME: name,
    MAN8S_CONTAINER_TEMPLATE: "lan",
    MAN8S_NETWORK_INTERFACE: "host0",
    MAN8S_YGGDRASIL_ADDRESS: formatIpv6(machineAddress(name, facts.prefix)),
    MAN8S_ULA_ADDRESS: formatIpv6(machineUla(name, facts.ula)),
  });
});
