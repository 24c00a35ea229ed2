/**
 * Everything that is known of a machine, each thing with where it was read.
 *
 * @module
 */

import { listApps } from "../apps/read_apps.ts";
import { parseEnvFile } from "../env/env_file.ts";
import { listDirectory, nameExists, readLinkIfPresent, readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { readLeader } from "../host/systemd.ts";
import { nspawnWords, readNspawn } from "../nspawn/read.ts";
import { describeChoices, describeVolumes } from "./choice_details.ts";
import { readMachine } from "../machine/inventory.ts";
import { type MachineName, machineUnit } from "../spec/machine_name.ts";
import { type Fact, readNetworkDetails } from "./network_details.ts";
import { machinePaths } from "../paths.ts";
import { healthPaths } from "../health/health_paths.ts";
import { healthFacts } from "../health/health_report.ts";
import { summarize } from "../machine/summary.ts";

/**
 * Reads all facts of a machine. Values of variables are left out: they may be
 * secrets; their names are there.
 *
 * @throws {MbctlError} (usage) when there is no such machine.
 */
export async function readDetails(host: Host, name: MachineName): Promise<Fact[]> {
  const machine = await readMachine(host, name);
  const paths = machinePaths(host.root, name);
  const facts: Fact[] = [];
  const add = (fact: string, value: string | undefined, source: string) => {
    if (value !== undefined && value !== "") facts.push({ name: fact, value, source });
  };
  const { spec, unit } = machine;
  const summary = summarize(machine);
  const service = machineUnit(name);

  add("name", name, paths.machineToml);
  add("image", spec.image.reference, paths.machineToml);
  // Zeros are those of an adopted machine.
  const known = (digest: string) => (/:0+$/.test(digest) ? "not known" : digest);
  add("digest", known(spec.image.digest), paths.machineToml);
  add("manifest digest", known(spec.image.manifestDigest), paths.machineToml);
  add("template", spec.template, paths.machineToml);
  const choices = [...describeVolumes(spec.volumes, paths), ...describeChoices(spec)];
  for (const [choice, value] of choices) add(choice, value, paths.machineToml);
  add("state", summary.state, host.isLive ? service : "not asked: --root");
  add("since", summary.since, service);
  for (const [fact, value] of healthFacts(machine.health))
    add(fact, value, healthPaths(name).found.state);
  for (const app of await listApps(host, name, () => {})) {
    const words = [app.state, app.health, app.image, ...app.ports];
    add(`app ${app.name}`, words.filter(Boolean).join(" "), `${paths.machineToml}, its systemd`);
  }
  if (unit !== undefined) {
    const isMeantTo = nameExists(paths.stoppedMarker);
    const no = isMeantTo ? "no: stopped by hand; yes again once it is started" : "no";
    add("starts at boot", unit.isEnabled ? "yes" : no, paths.bootLink);
    if (unit.active === "failed")
      add("exit status", `${unit.exitStatus} (${unit.result})`, service);
  }
  let leader: number | undefined;
  if (host.isLive && unit?.active === "active") {
    leader = await readLeader(host.run, name);
    add("process 1", leader === undefined ? undefined : String(leader), "machinectl");
  }

  const environment = parseEnvFile(readTextIfPresent(paths.envFile) ?? "", paths.envFile);
  const own = new Map(environment);
  add("address", machine.address, paths.envFile);
  for (const { name, value, source } of await readNetworkDetails(host, machine, leader)) {
    add(name, value, source);
  }
  add("command", own.get("MAN8S_APPLICATION_ARGS"), paths.envFile);
  add("user", own.get("MAN8S_APPLICATION_USER"), paths.envFile);
  const variables = environment
    .map(([variable]) => variable)
    .filter((variable) => !variable.startsWith("MAN8S_"));
  add("variables", variables.join(" "), paths.envFile);

  const nspawn = readNspawn(readTextIfPresent(paths.nspawn) ?? "");
  for (const id of [
    "Exec.WorkingDirectory",
    "Network.Bridge",
    "Network.MACVLAN",
    "Network.Private",
    "Exec.PrivateUsers",
  ]) {
    add(id.slice(id.indexOf(".") + 1), nspawnWords(nspawn, id).join(" "), paths.nspawn);
  }
  add(
    "root tree",
    nameExists(paths.tree) ? paths.tree : "missing",
    readLinkIfPresent(paths.machineLink) === undefined ? "missing link" : paths.machineLink,
  );
  add("configuration", paths.configuration, "mbctl");
  add("data", nameExists(paths.storage) ? paths.storage : undefined, "mbctl");
  add("unit settings", listDirectory(paths.unitDropInFolder).join(" "), paths.unitDropInFolder);
  return facts;
}
