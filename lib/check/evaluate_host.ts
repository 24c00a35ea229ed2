/**
 * Says of a host whether machines can be pulled, started and reached on it. Pure: all facts come in as one value.
 *
 * @module
 */

import { evaluateBridge } from "./evaluate_bridge.ts";
import { evaluateMesh } from "./evaluate_mesh.ts";
import { evaluateSystem } from "./evaluate_system.ts";
import { type Finding, found, ok } from "./finding.ts";
import type { HostFacts } from "./host_facts.ts";
import { evaluateFiles, evaluatePlug } from "./machine_files.ts";

/** One finding for each thing that a host needs, and for each that is wrong with a machine. */
export function evaluateHost(facts: HostFacts): Finding[] {
  return [
    ...evaluateSystem(facts),
    ...evaluateMesh(facts),
    ...evaluateBridge(facts),
    ...evaluateDerived(facts),
    ...evaluateMachines(facts),
  ];
}

const reload = "mbctl host reload";

function evaluateDerived({ derived, machines }: HostFacts): Finding[] {
  const { problem, firewall, hasHostsBlock, badSettings, staleFiles } = derived;
  if (problem !== undefined) return [found("wrong", "firewall", problem, "mbctl host setup")];
  const seen = {
    equal: undefined,
    different: "not what config.toml and the machines ask for",
    absent: "not loaded: machines do not start",
  }[firewall];
  const [first, ...others] = staleFiles;
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  return [
    seen === undefined
      ? ok("firewall", "loaded, and what config.toml and the machines ask for")
      : firewall === "absent" && machines.length === 0
        ? ok("firewall", "begins with the first machine")
        : found(firewall === "absent" ? "missing" : "wrong", "firewall", seen, reload),
    hasHostsBlock
      ? ok("/etc/hosts", "has the names of all machines")
      : found("wrong", "/etc/hosts", "does not have the names of all machines", reload),
    ...badSettings
      .filter((problem) => machines.every((machine) => machine.problem !== problem))
      .map((problem) => found("wrong", "settings", problem, `mend it, then ${reload}`)),
    ...(first === undefined || (firewall === "absent" && machines.length === 0)
      ? []
      : [found("wrong", "units", `not current: ${first}${more}`, reload)]),
  ];
}

/** One line when all machines are whole, else one for each that is not. */
function evaluateMachines({ machines, bridge }: HostFacts): Finding[] {
  const bad = machines.flatMap((machine) => {
    const files = evaluateFiles(machine, "machines");
    const plug = bridge.link === undefined ? [] : evaluatePlug(machine, bridge.name);
    return [...(files.verdict === "ok" ? [] : [files]), ...plug];
  });
  if (bad.length > 0) return bad;
  const count = machines.length === 1 ? "1 machine is" : `${machines.length} machines are`;
  return [ok("machines", machines.length === 0 ? "none yet" : `${count} whole`)];
}
