/** A machine below a root, made of its files alone: no image, no systemd. */

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parsePrefix } from "../../lib/address/ipv6.ts";
import { parseImageConfig } from "../../lib/image/config.ts";
import { machinePaths } from "../../lib/paths.ts";
import { type HostFacts, type MachineFiles, renderMachine } from "../../lib/render/render.ts";
import { defaultHostNetworks } from "../../lib/network/host_network.ts";
import { parseDevice } from "../../lib/spec/device.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { defaultChoices, type MachineSpec } from "../../lib/spec/machine_spec.ts";
import { parseSecretName } from "../../lib/spec/secret_use.ts";

export const prefixText = "300:2e98:a4b0:1789::/64";

export const facts: HostFacts = {
  ...defaultHostNetworks,
  systemdVersion: 257,
  prefix: parsePrefix(prefixText),
  stopTimeoutSec: 10,
  connection: { kind: "bridge" },
};

/** The image's configuration, as a registry has it. */
export const imageText = JSON.stringify({
  architecture: "amd64",
  os: "linux",
  config: { Cmd: ["/app"], Env: ["PATH=/bin"], Volumes: { "/data": {}, "/conf": {} } },
  rootfs: { type: "layers", diff_ids: [] },
});

/** A machine with a volume of each kind, a secret and a dependency. */
export function specOf(name: string, choices: Partial<MachineSpec> = {}): MachineSpec {
  return {
    ...defaultChoices,
    name: parseMachineName(name),
    image: {
      reference: "docker.io/library/app:latest",
      digest: `sha256:${"0".repeat(64)}`,
      manifestDigest: `sha256:${"1".repeat(64)}`,
    },
    environment: [["MODE", "plain"]],
    volumes: [
      { path: "/conf", kind: "config" },
      { path: "/data", kind: "data" },
      { path: "/srv", kind: "host", source: "/srv/web" },
    ],
    devices: [parseDevice("/dev/fuse")],
    limits: { memory: 2 ** 26, tasks: 10 },
    secrets: [{ name: parseSecretName("token"), fileVariable: "TOKEN_FILE" }],
    ...choices,
  };
}

/** What mbctl renders of a machine. */
export function filesOf(spec: MachineSpec): MachineFiles {
  return renderMachine(spec, parseImageConfig(JSON.parse(imageText)), facts);
}

/** Writes everything of a machine as a pull does; answers what was rendered. */
export function writeMachine(root: string, spec: MachineSpec): MachineFiles {
  const paths = machinePaths(root, spec.name);
  const files = filesOf(spec);
  const write = (path: string, text: string, mode = 0o644) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode });
  };
  for (const place of [paths, paths.applied]) {
    write(place.machineToml, files.machineToml);
    write(place.nspawn, files.nspawn);
    write(place.envFile, files.envFile, 0o600);
    write(place.unitDropIn, files.unitDropIn);
  }
  write(paths.applied.image, imageText);
  write(join(paths.applied.secrets, "token.cred"), "sealed\n", 0o600);
  write(join(paths.configuration, "conf/settings"), "kept\n", 0o640);
  write(join(paths.storage, "data/rows"), "rows\n");
  write(join(paths.tree, "bin/app"), "app\n", 0o755);
  return files;
}
