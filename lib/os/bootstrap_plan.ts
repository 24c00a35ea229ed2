/**
 * A root tree of a distribution, by that distribution's own bootstrapper: the commands, as data. Every package is checked
 * against the distribution's key, which must be on the host: a mirror can withhold what is new, and nothing else.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import type { OsChoice } from "../spec/machine_spec.ts";
import { debootstrapPlan, mmdebstrapPlan } from "./bootstrap_debian.ts";
import { pacstrapPlan } from "./bootstrap_arch.ts";
import { dnfPlan, zypperPlan } from "./bootstrap_rpm.ts";
import type { BootstrapHost, BootstrapPlan, BootstrapRequest } from "./bootstrap_request.ts";
import type { Os, OsFamily } from "./os.ts";
import { formatOsReference } from "../spec/os_reference.ts";
import { systemPackages } from "./packages.ts";

type Planner = (request: BootstrapRequest) => BootstrapPlan;

/** The bootstrappers of each family, best first. */
const bootstrappers: Readonly<Record<OsFamily, Readonly<Record<string, Planner>>>> = {
  debian: { mmdebstrap: mmdebstrapPlan, debootstrap: debootstrapPlan },
  fedora: { dnf5: dnfPlan, dnf: dnfPlan },
  arch: { pacstrap: pacstrapPlan },
  suse: { zypper: zypperPlan },
};

/** All programs that {@linkcode planBootstrap} may ask for. */
export const bootstrapPrograms: readonly string[] = [
  ...Object.values(bootstrappers).flatMap((family) => Object.keys(family)),
  "rpm",
];

/**
 * The commands that make a tree, by the best bootstrapper that the host has.
 *
 * @param tree where: a folder that is there and empty.
 * @throws {MbctlError} (host) when the host lacks bootstrapper or key, naming all that would do.
 */
export function planBootstrap(
  os: Os,
  { mirror, packages }: OsChoice,
  tree: string,
  host: BootstrapHost,
): BootstrapPlan {
  const candidates = Object.entries(bootstrappers[os.family]);
  const found = candidates.find(([program]) => host.programs.includes(program));
  const name = formatOsReference(os).slice("os:".length);
  if (found === undefined) {
    const names = candidates.map(([program]) => program);
    throw new MbctlError(
      "host",
      `Cannot make a system of "${name}": the host has ${names.length === 1 ? `no ${names[0]}` : `none of ${names.join(", ")}`}`,
      { hint: host.installHint(names[0] ?? "") },
    );
  }
  const [program, plan] = found;
  const all = [...new Set([...systemPackages(os), ...packages])];
  // A "/" at the end would stand twice in paths of the mirror.
  const url = mirror?.replace(/\/+$/, "");
  return plan({ os, name, program, mirror: url, packages: all, tree, host });
}
