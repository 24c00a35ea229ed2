import { expect, test } from "bun:test";
import { MbctlError } from "../../lib/errors.ts";
import { parseImageConfig } from "../../lib/image/config.ts";
import { checkChoices } from "../../lib/render/check_choices.ts";
import { checkSystem } from "../../lib/render/check_system.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { defaultChoices, type MachineSpec } from "../../lib/spec/machine_spec.ts";
import { parseSecretName } from "../../lib/spec/secret_use.ts";
import { parseSignal } from "../../lib/signal.ts";

const image = parseImageConfig({ architecture: "amd64", os: "linux", config: { Cmd: ["/app"] } });
const spec: MachineSpec = {
  ...defaultChoices,
  name: parseMachineName("box"),
  image: { reference: "x:1", digest: "sha256:0", manifestDigest: "sha256:1" },
  environment: [],
  volumes: [],
};

const foreign: readonly (readonly [key: string, change: Partial<MachineSpec>])[] = [
  ["entrypoint", { entrypoint: ["/app"] }],
  ["args", { args: [] }],
  ["user", { user: "app" }],
  ["workdir", { workingDirectory: "/" }],
  ["stop_signal", { stopSignal: parseSignal("TERM") }],
  ["env", { environment: [["A", "1"]] }],
  ["secrets", { secrets: [{ name: parseSecretName("a") }] }],
  ["read_only", { isReadOnly: true }],
  ["auto_upgrade", { autoUpgrade: true }],
];

test.each(foreign)("checkSystem() refuses %s, and says where it belongs", (key, change) => {
  const check = () => checkSystem({ ...spec, mode: "base", ...change });
  expect(check).toThrow(
    `Cannot use ${key} for "box": it is a whole system (mode = "base"), and runs no program of its own`,
  );
  try {
    check();
  } catch (error) {
    expect(error).toBeInstanceOf(MbctlError);
    expect((error as MbctlError).hint).not.toBeUndefined();
  }
});

test.each(["/oci", "/oci/storage/x", "/run", "/etc/systemd/network"])(
  "checkSystem() keeps the place %s free",
  (path) => {
    const volumes = [{ path, kind: "host", source: "/srv" }] as const;
    expect(() => checkSystem({ ...spec, mode: "base", volumes })).toThrow(
      `Cannot keep the volume ${path} in "box": a whole system has something of its own there`,
    );
  },
);

test("checkSystem() takes what concerns the machine as a whole", () => {
  checkSystem({
    ...spec,
    mode: "base",
    stopTimeoutSec: 5,
    limits: { memory: 2 ** 30 },
    boot: true,
    volumes: [{ path: "/srv", kind: "host", source: "/srv" }],
  });
});

test.each([
  ["the image os:debian:bookworm", { image: { ...spec.image, reference: "os:debian:bookworm" } }],
  ["[os]", { os: { packages: [] } }],
] as const)("%s is refused for a machine that is no whole system", (key, change) => {
  expect(() => checkChoices({ ...spec, ...change }, image)).toThrow(
    `Cannot use ${key} for "box": it is no whole system, its mode is "direct"`,
  );
});
