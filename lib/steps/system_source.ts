/**
 * A distribution as what a machine is made of: an image that says nothing, and the bootstrapper's plan.
 *
 * @module
 */

import process from "node:process";
import type { Host } from "../host/host.ts";
import { parseImageConfigText } from "../image/config.ts";
import { unknownDigest } from "../image/digest.ts";
import type { MachineImage } from "../image/found_image.ts";
import { hostPlatform, type Platform } from "../image/platform.ts";
import { readBootstrapHost } from "../os/bootstrap_host.ts";
import { planBootstrap } from "../os/bootstrap_plan.ts";
import { osReference, requireOs } from "../os/os.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { formatOsReference, parseOsReference } from "../spec/os_reference.ts";
import { machinePaths } from "../paths.ts";
import type { TreeSource } from "./plan_tree.ts";

/** What is found of a distribution, as an image is located. */
export interface SystemSource {
  readonly found: MachineImage;
  readonly tree: TreeSource;
  /** No step needs an image. */
  readonly tools: undefined;
}

/** The image of a machine that no image gave: it has neither digest nor program. */
function systemImage({ os, architecture }: Platform): MachineImage {
  const configText = `${JSON.stringify({ architecture, os })}\n`;
  return {
    digest: unknownDigest,
    manifestDigest: unknownDigest,
    config: parseImageConfigText(configText),
    configText,
  };
}

/**
 * Plans how the host makes the tree of a machine whose machine.toml names a distribution.
 *
 * @throws {MbctlError} (usage) for a distribution that nobody knows, (host) without its bootstrapper or key.
 */
export async function systemSource(
  host: Host,
  {
    name,
    image,
    os: choice,
  }: Pick<MachineSpec, "name" | "os"> & {
    readonly image: Pick<MachineSpec["image"], "reference">;
  },
): Promise<SystemSource> {
  const os = requireOs(parseOsReference(image.reference));
  const { stagedTree } = machinePaths(host.root, name);
  const plan = planBootstrap(os, choice ?? { packages: [] }, stagedTree, readBootstrapHost());
  return {
    found: systemImage(hostPlatform(process.arch)),
    tree: { kind: "bootstrap", os: formatOsReference(osReference(os)), plan },
    tools: undefined,
  };
}
