import { defaultHostNetworks } from "../../lib/network/host_network.ts";
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { parsePrefix } from "../../lib/address/ipv6.ts";
import { parseEnvFile } from "../../lib/env/env_file.ts";
import { unescapeLineBreaks } from "../../lib/env/split_environment.ts";
import { type ImageConfig, parseImageConfig } from "../../lib/image/config.ts";
import { formatMachineToml, parseMachineToml } from "../../lib/spec/machine_toml.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { type HostFacts, renderMachine } from "../../lib/render/render.ts";
import { applicationArgs } from "../../lib/render/render_program.ts";
import { treeNeeds } from "../../lib/render/tree_needs.ts";
import { defaultChoices, type MachineSpec, type Volume } from "../../lib/spec/machine_spec.ts";
import { parseIpv4 } from "../../lib/network/ipv4.ts";
import type { NetworkKind } from "../../lib/network/template.ts";
import { parseUnitFile, unitEntries } from "../../lib/nspawn/unit_file.ts";
import { nspawnText, nspawnWords, readNspawn } from "../../lib/nspawn/read.ts";
import { parseSignal } from "../../lib/signal.ts";
import { parseDevice } from "../../lib/spec/device.ts";
import { outerFirst } from "../../lib/spec/volume.ts";
import { expectGolden } from "../golden/golden.ts";

const folder = join(import.meta.dir, "../../../shared/image-configs");
// They are recorded beside the project; a clone that stands alone has none of them.
const isRecorded = existsSync(folder);
const images = (isRecorded ? readdirSync(folder) : [])
  .filter((name) => name.endsWith(".json") && name !== "index.json")
  .map(
    (name) =>
      [
        name.slice(0, -".json".length),
        parseImageConfig(JSON.parse(readFileSync(join(folder, name), "utf8"))),
      ] as const,
  );

const facts: HostFacts = {
  ...defaultHostNetworks,
  systemdVersion: 257,
  prefix: parsePrefix("300:2e98:a4b0:1789::/64"),
  stopTimeoutSec: 10,
  connection: { kind: "bridge" },
};

const kinds = ["data", "config", "host", "skip", "tmpfs"] as const;

/** Every volume of the image, each of another kind. */
function specOf(name: string, config: ImageConfig): MachineSpec {
  return {
    name: parseMachineName(name),
    ...defaultChoices,
    image: {
      reference: `docker.io/library/${name}:latest`,
      digest: `sha256:${"0".repeat(64)}`,
      manifestDigest: `sha256:${"1".repeat(64)}`,
    },
    environment: [
      ["MODE", 'a "quoted" $value'],
      ["MOTD", "two\nlines \\n"],
    ],
    volumes: config.volumes.map((path, index): Volume => {
      const kind = kinds[index % kinds.length] ?? "skip";
      return kind === "host" ? { path, kind, source: `/srv/${index}` } : { path, kind };
    }),
  };
}

/** What a POSIX shell makes of the line, run as man8s-init runs it. */
function evaluate(line: string): string[] {
  const script = 'eval "set -- $MAN8S_APPLICATION_ARGS"; for word do printf "%s\\0" "$word"; done';
  const { stdout } = Bun.spawnSync(["dash", "-c", script], {
    env: { MAN8S_APPLICATION_ARGS: line, MAN8S_NEWLINE: "\n" },
  });
  return stdout.toString().split("\0").slice(0, -1);
}

test.skipIf(!isRecorded)("there are image configurations to test with", () => {
  expect(images.length).toBeGreaterThanOrEqual(30);
});

const runnable = images.filter(([, config]) => config.entrypoint.length + config.cmd.length > 0);

test.skipIf(!isRecorded).each(runnable)(
  "the files of %s hold what its image says",
  (name, config) => {
    const spec = specOf(name, config);
    const files = renderMachine(spec, config, facts);

    expect(parseMachineToml(files.machineToml, "machine.toml")).toEqual(spec);
    expect(formatMachineToml(parseMachineToml(files.machineToml, "machine.toml"))).toBe(
      files.machineToml,
    );

    const env = new Map(parseEnvFile(files.envFile));
    const nspawn = readNspawn(files.nspawn);
    const outside = new Map(
      nspawnWords(nspawn, "Exec.Environment").map((word) => {
        const at = word.indexOf("=");
        return [word.slice(0, at), word.slice(at + 1)] as const;
      }),
    );
    const arrived = (variable: string) => {
      const escaped = outside.get(`MAN8S_ESCAPED_${variable}`);
      return escaped === undefined
        ? (env.get(variable) ?? outside.get(variable))
        : unescapeLineBreaks(escaped);
    };
    for (const [variable, value] of config.env) {
      expect(arrived(variable)).toBe(value);
    }
    for (const [variable, value] of spec.environment) expect(arrived(variable)).toBe(value);
    // Nothing stands in both files, and nothing of ours is overwritten.
    expect([...env.keys()].filter((variable) => outside.has(variable))).toEqual([]);
    expect(env.get("MAN8S_CONTAINER_NAME")).toBe(name);
    expect(env.get("MAN8S_APPLICATION_USER")).toBe(config.user);

    expect(evaluate(env.get("MAN8S_APPLICATION_ARGS") ?? "")).toEqual([...applicationArgs(config)]);
    expect(nspawnText(nspawn, "Exec.WorkingDirectory")).toBe(config.workingDir);
    const bound = spec.volumes.filter(({ kind }) => !["skip", "tmpfs"].includes(kind)).length;
    expect(nspawn.get("Files.Bind")?.values.length ?? 0).toBe(bound + 1);
    const signal = config.stopSignal ?? "SIGTERM";
    expect(files.unitDropIn.includes(`Stop: ${signal} to the program`)).toBe(true);
  },
);

test("an image without a program is refused", () => {
  const config = parseImageConfig({ architecture: "amd64", os: "linux", config: {} });
  expect(() => renderMachine(specOf("empty", config), config, facts)).toThrow(
    "Cannot run the image: it names no program, neither Entrypoint nor Cmd",
  );
});

const plain = parseImageConfig({ architecture: "amd64", os: "linux", config: { Cmd: ["/app"] } });

/** What the files of the machine "web" say of its network. */
function networkOf(connection: NetworkKind, ipv4?: string) {
  const spec = {
    ...specOf("web", plain),
    ...(ipv4 === undefined ? {} : { ipv4: parseIpv4(ipv4) }),
  };
  const files = renderMachine(spec, plain, { ...facts, connection });
  const nspawn = unitEntries(parseUnitFile(files.nspawn));
  return {
    nspawn: nspawn.flatMap(({ section, key, value }) =>
      section === "Network" ? [`${key}=${value}`] : [],
    ),
    environment: files.envFile
      .split("\n")
      .filter((line) => /^MAN8S_(NETWORK|YGGDRASIL|ULA|IPV4)_/.test(line)),
    waitsFor: [...files.unitDropIn.matchAll(/sys\/class\/net\/(\S+)/g)].map(([, name]) => name),
  };
}

const addresses = [
  "MAN8S_NETWORK_INTERFACE=host0",
  "MAN8S_YGGDRASIL_ADDRESS=300:2e98:a4b0:1789:1cd6:8036:d9af:97e2",
  "MAN8S_ULA_ADDRESS=fdfc:16ed:7601:0:1cd6:8036:d9af:97e2",
];

test("a machine on the bridge has a mesh address and a ULA, and a static IPv4 address where its spec has one", () => {
  const found = networkOf({ kind: "bridge" });
  expect(found).toEqual({
    nspawn: ["VirtualEthernet=yes", "Bridge=srvgrp0"],
    environment: addresses,
    waitsFor: ["srvgrp0"],
  });
  expect(networkOf({ kind: "bridge" }, "10.199.0.17").environment).toEqual([
    ...addresses,
    "MAN8S_IPV4_ADDRESS=10.199.0.17/24",
    "MAN8S_IPV4_GATEWAY=10.199.0.1",
  ]);
});

test.each([
  [
    { kind: "macvlan", parent: "eth0" },
    ["VirtualEthernet=no", "MACVLAN=eth0"],
    "mv-eth0",
    ["eth0"],
  ],
  [
    { kind: "macvlan", parent: "eth0", vlan: 20 },
    ["VirtualEthernet=no", "MACVLAN=eth0.20"],
    "mv-eth0.20",
    ["eth0", "eth0.20"],
  ],
  [{ kind: "host" }, ["Private=no", "VirtualEthernet=no"], "", []],
  [{ kind: "private" }, ["Private=yes", "VirtualEthernet=no"], "lo", []],
] as const)(
  "a machine connected by %j has no address of mbctl's",
  (connection, nspawn, name, waitsFor) => {
    expect(networkOf(connection)).toEqual({
      nspawn: [...nspawn],
      environment: [`MAN8S_NETWORK_INTERFACE=${name}`],
      waitsFor: [...waitsFor],
    });
  },
);

test.skipIf(!isRecorded).each(["registry", "nginx", "redis", "neo4j", "kibana"])(
  "the files of %s are the golden ones",
  (name) => {
    const config = images.find(([image]) => image === name)?.[1];
    if (config === undefined) throw new Error(`no configuration of ${name}`);
    const files = renderMachine({ ...specOf(name, config), environment: [] }, config, facts);
    for (const [file, text] of Object.entries(files)) expectGolden(`machine/${name}.${file}`, text);
  },
);

/** Everything that can be chosen. */
const chosen: MachineSpec = {
  ...specOf("everything", plain),
  entrypoint: ["/bin/sh", "-c"],
  args: ["exec sleep 1\n"],
  user: "1000:50",
  workingDirectory: "/in blank ",
  labels: { "com.example.note": "kept in machine.toml alone" },
  stopSignal: parseSignal("SIGUSR1"),
  stopTimeoutSec: 90,
  restart: { when: "on-failure", retries: 3 },
  boot: true,
  depends: [parseMachineName("db"), parseMachineName("web-1.example")],
  limits: {
    memory: 512 * 1024 ** 2,
    cpus: 1.5,
    tasks: 100,
    ioWeight: 50,
    openFiles: 65536,
    disk: 1024 ** 3,
  },
  capabilities: { add: ["SYSLOG"], drop: ["ALL"] },
  isReadOnly: true,
  devices: [
    parseDevice("/dev/fuse"),
    { ...parseDevice("/dev/ttyUSB0:/dev/modem:rw"), ifAbsent: "skip" },
    parseDevice("char-ttyUSB"),
  ],
  volumes: [
    { path: "/data", kind: "data", isReadOnly: true, owner: { uid: 1000, gid: 50 }, mode: 0o750 },
    { path: "/cache: \\", kind: "tmpfs", sizeBytes: 64 * 1024 ** 2, mode: 0o700 },
    { path: "/host", kind: "host", source: "/srv/host" },
  ],
};

test.each([252, 257, 262])(
  "every choice is rendered for systemd %d as the golden files",
  (version) => {
    const files = renderMachine(chosen, plain, { ...facts, systemdVersion: version });
    expect(parseMachineToml(files.machineToml, "machine.toml")).toEqual(chosen);
    for (const [file, text] of Object.entries(files)) {
      expectGolden(`machine/everything.${version}.${file}`, text);
    }
  },
);

test("treeNeeds() names what nspawn cannot make, and no more", () => {
  const image = parseImageConfig({
    architecture: "amd64",
    os: "linux",
    config: { Cmd: ["/app"], WorkingDir: "/work", Volumes: { "/data": {}, "/mem": {} } },
  });
  const spec: MachineSpec = {
    ...specOf("web", plain),
    volumes: [
      { path: "/data", kind: "data" },
      { path: "/mem", kind: "tmpfs" },
      { path: "/more", kind: "data" },
      { path: "/tree", kind: "skip" },
    ],
  };
  expect(treeNeeds(spec, image)).toEqual({ directories: ["/work", "/mem", "/more"] });
  const connectors = [parseMachineName("db")];
  expect(treeNeeds({ ...spec, connectors }, image)).toEqual(treeNeeds(spec, image));
  const readOnly = { ...spec, isReadOnly: true, workingDirectory: "/w" };
  const files = ["/etc/resolv.conf", "/etc/localtime"];
  const directories = ["/w", "/data", "/mem", "/more", "/var/tmp"];
  expect(treeNeeds(readOnly, image)).toEqual({ directories, files });
  expect(treeNeeds({ ...readOnly, connectors }, image)).toEqual({
    directories: [...directories, "/connectors"],
    files,
  });
});

test("a read-only root has a writable /var/tmp, unless a volume is there", () => {
  const mounted = (volumes: readonly Volume[]) => {
    const spec = { ...specOf("web", plain), isReadOnly: true, volumes };
    const nspawn = readNspawn(renderMachine(spec, plain, facts).nspawn);
    return nspawn.get("Files.TemporaryFileSystem")?.values.map(([path]) => path);
  };
  expect(mounted([])).toEqual(["/var/tmp"]);
  expect(mounted([{ path: "/var/tmp", kind: "skip" }])).toEqual(["/var/tmp"]);
  expect(mounted([{ path: "/var/tmp", kind: "data" }])).toBeUndefined();
  expect(mounted([{ path: "/var/tmp", kind: "tmpfs" }])).toEqual(["/var/tmp"]);
});

const word = fc.string({ unit: "grapheme", maxLength: 8 }).filter((text) => !text.includes("\0"));
const path = fc
  .string({ unit: "binary-ascii", minLength: 1, maxLength: 10 })
  .filter((text) => !/[\0-\x1f\x7f/]/.test(text) && ![".", ".."].includes(text))
  .map((name) => `/${name}`);

test("whatever is chosen, systemd reads back what was meant", () => {
  fc.assert(
    fc.property(
      fc.record({
        program: fc.array(word, { minLength: 1, maxLength: 4 }).filter(([name]) => name !== ""),
        isArgs: fc.boolean(),
        workingDirectory: path,
        volumes: fc.uniqueArray(path, { maxLength: 4 }),
        isReadOnly: fc.boolean(),
        openFiles: fc.integer({ min: 32, max: 1_000_000 }),
        memory: fc.integer({ min: 6 * 1024 ** 2, max: Number.MAX_SAFE_INTEGER }),
        retries: fc.option(fc.integer({ min: 1, max: 99 }), { nil: undefined }),
        version: fc.constantFrom(252, 257, 262),
      }),
      ({ program, isArgs, workingDirectory, volumes, version, retries, ...rest }) => {
        const spec: MachineSpec = {
          ...specOf("any", plain),
          ...(isArgs ? { entrypoint: [], args: program } : { entrypoint: program }),
          workingDirectory,
          isReadOnly: rest.isReadOnly,
          limits: { memory: rest.memory, openFiles: rest.openFiles },
          restart: { when: "on-failure", ...(retries === undefined ? {} : { retries }) },
          volumes: volumes.map((volumePath, index) => ({
            path: volumePath,
            ...(index % 2 === 0 ? { kind: "tmpfs" } : { kind: "data", isReadOnly: true }),
          })),
        };
        const files = renderMachine(spec, plain, { ...facts, systemdVersion: version });
        const nspawn = readNspawn(files.nspawn);
        const fields = (key: string) => nspawn.get(`Files.${key}`)?.values ?? [];
        const of = (kind: string) =>
          outerFirst(spec.volumes).flatMap((volume) => (volume.kind === kind ? [volume.path] : []));
        expect(fields("BindReadOnly").map(([, target]) => target)).toEqual(of("data"));
        expect(fields("TemporaryFileSystem").map(([target]) => target)).toEqual([
          ...of("tmpfs"),
          ...(spec.isReadOnly && !volumes.includes("/var/tmp") ? ["/var/tmp"] : []),
        ]);
        expect(nspawnText(nspawn, "Exec.LimitNOFILE")).toBe(String(rest.openFiles));
        expect(nspawnText(nspawn, "Exec.WorkingDirectory")?.replace(/(?<=[\\ ])\/$/, "")).toBe(
          workingDirectory,
        );
        const unit = unitEntries(parseUnitFile(files.unitDropIn));
        expect(unit.find(({ key }) => key === "MemoryMax")?.value).toBe(String(rest.memory));
        expect(unit.some(({ key }) => key === "RestartSteps")).toBe(version >= 254);
        expect(files.unitDropIn.includes("gives up after")).toBe(retries !== undefined);
        const env = new Map(parseEnvFile(files.envFile));
        expect(evaluate(env.get("MAN8S_APPLICATION_ARGS") ?? "")).toEqual(program);
      },
    ),
    { numRuns: 60 },
  );
});
