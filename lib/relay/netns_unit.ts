/**
 * The unit that gives a machine's network namespace a name, for the relays that are to run in it. nspawn's own way
 * (`--network-namespace-path`) is for namespaces that are there before the machine.
 *
 * @module
 */

import { type MachineName, machineUnit } from "../spec/machine_name.ts";
import { execShell } from "../nspawn/exec_shell.ts";
import {
  formatUnitFile,
  unitBlank,
  unitComment,
  unitEntry,
  unitSection,
} from "../nspawn/unit_file.ts";
import { netnsPath } from "./unit_names.ts";

/** Renders `mbctl-netns_NAME.service`. */
export function renderNetnsUnit(name: MachineName): string {
  const machine = machineUnit(name);
  const path = netnsPath(name);
  const folder = path.slice(0, path.lastIndexOf("/"));
  const forget = `while umount -l ${path} 2>/dev/null; do :; done`;
  return formatUnitFile([
    unitComment("Rendered by mbctl from machine.toml; removed with what needs it."),
    unitSection("Unit"),
    unitEntry("Description", `Network namespace of the machine ${name}`),
    unitEntry("BindsTo", machine),
    unitEntry("After", machine),
    unitBlank(),
    unitSection("Service"),
    unitEntry("Type", "oneshot"),
    unitEntry("RemainAfterExit", "yes"),
    unitComment("Process 1 of the machine is a child of systemd-nspawn (NSpid: proc(5))."),
    unitEntry(
      "ExecStart",
      execShell(
        [
          `main=$(systemctl show --property=MainPID --value ${machine})`,
          `init=$(for p in $(cat /proc/$main/task/*/children); do ` +
            `case $(grep ^NSpid: /proc/$p/status) in *[!0-9]1) echo $p; break;; esac; done)`,
          `[ -n "$init" ] || { echo "the machine does not run"; exit 1; }`,
          `mkdir -p ${folder}`,
          forget,
          `: >${path} && mount --bind /proc/$init/ns/net ${path}`,
        ],
        "mbctl-netns",
      ),
    ),
    unitEntry("ExecStop", execShell([forget, `rm -f ${path}`], "mbctl-netns")),
  ]);
}
