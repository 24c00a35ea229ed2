/** A machine for tests of its files: what it is, its image, its host. */

import { parsePrefix } from "../../lib/address/ipv6.ts";
import type { PresentMachine } from "../../lib/change/present_machine.ts";
import { toLatin1 } from "../../lib/change/rerender.ts";
import { type ImageConfig, parseImageConfigText } from "../../lib/image/config.ts";
import { type HostFacts, renderMachine } from "../../lib/render/render.ts";
import { defaultHostNetworks } from "../../lib/network/host_network.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { defaultChoices, type MachineSpec } from "../../lib/spec/machine_spec.ts";

export const name = parseMachineName("web");

export const facts: HostFacts = {
  ...defaultHostNetworks,
  systemdVersion: 257,
  prefix: parsePrefix("300:2e98:a4b0:1789::/64"),
  stopTimeoutSec: 10,
  connection: { kind: "bridge" },
};

export const imageText = JSON.stringify({
  os: "linux",
  architecture: "amd64",
  config: { Cmd: ["/app"], Env: ["FROM_IMAGE=1"] },
  rootfs: { type: "layers", diff_ids: [] },
});
export const image: ImageConfig = parseImageConfigText(imageText);

export const spec: MachineSpec = {
  name,
  ...defaultChoices,
  image: {
    reference: "docker.io/library/app:1",
    digest: `sha256:${"0".repeat(64)}`,
    manifestDigest: `sha256:${"1".repeat(64)}`,
  },
  environment: [["MINE", "1"]],
  volumes: [],
};

/** The machine as it lies on the disk after a pull. */
export function presentMachine(): PresentMachine {
  const { machineToml, nspawn, envFile, unitDropIn } = renderMachine(spec, image, facts);
  const files = {
    nspawn: toLatin1(nspawn),
    envFile: toLatin1(envFile),
    unitDropIn: toLatin1(unitDropIn),
  };
  return {
    ...{ name, machineToml, appliedToml: machineToml, spec },
    ...{ ours: files, base: files },
    image: { text: imageText, config: image },
  };
}
