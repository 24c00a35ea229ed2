/**
 * The program, and the only file that is compiled as an entry: which verbs there
 * are, in the order of the help page, and where each is. Imports are literal, so
 * that the bundler sees them, and lazy, so that a verb costs nothing until it is called.
 *
 * @module
 */

import type { VerbTable } from "../lib/cli/dispatch.ts";
import { runProgram } from "../lib/cli/main.ts";
import { childArgument } from "../lib/host/self.ts";

export const verbTable: VerbTable = {
  "machines pull": () => import("./machines-pull.ts"),
  "machines create": () => import("./machines-create.ts"),
  "machines apply": () => import("./machines-apply.ts"),
  "machines edit": () => import("./machines-edit.ts"),
  "machines diff": () => import("./machines-diff.ts"),
  "machines list": () => import("./machines-list.ts"),
  "machines show": () => import("./machines-show.ts"),
  "machines start": () => import("./machines-start.ts"),
  "machines stop": () => import("./machines-stop.ts"),
  "machines restart": () => import("./machines-restart.ts"),
  "machines enable": () => import("./machines-enable.ts"),
  "machines disable": () => import("./machines-disable.ts"),
  "machines logs": () => import("./machines-logs.ts"),
  "machines events": () => import("./machines-events.ts"),
  "machines stats": () => import("./machines-stats.ts"),
  "machines wait": () => import("./machines-wait.ts"),
  "machines shell": () => import("./machines-shell.ts"),
  "machines exec": () => import("./machines-exec.ts"),
  "machines cp": () => import("./machines-cp.ts"),
  "machines remove": () => import("./machines-remove.ts"),
  "machines outdated": () => import("./machines-outdated.ts"),
  "machines upgrade": () => import("./machines-upgrade.ts"),
  "machines snapshot": () => import("./machines-snapshot.ts"),
  "machines snapshots": () => import("./machines-snapshots.ts"),
  "machines rollback": () => import("./machines-rollback.ts"),
  "machines reset": () => import("./machines-reset.ts"),
  "machines forget": () => import("./machines-forget.ts"),
  "machines recover": () => import("./machines-recover.ts"),
  "machines rebuild": () => import("./machines-rebuild.ts"),
  "machines export": () => import("./machines-export.ts"),
  "machines import": () => import("./machines-import.ts"),
  "machines move": () => import("./machines-move.ts"),
  "machines rename": () => import("./machines-rename.ts"),
  "machines adopt": () => import("./machines-adopt.ts"),
  "machines from-run": () => import("./machines-from-run.ts"),
  "machines from-compose": () => import("./machines-from-compose.ts"),
  "machines from-quadlet": () => import("./machines-from-quadlet.ts"),
  "secrets set": () => import("./secrets-set.ts"),
  "secrets list": () => import("./secrets-list.ts"),
  "secrets remove": () => import("./secrets-remove.ts"),
  "machines app add": () => import("./machines-app-add.ts"),
  "machines app remove": () => import("./machines-app-remove.ts"),
  "machines app list": () => import("./machines-app-list.ts"),
  "connector add": () => import("./connector-add.ts"),
  "connector remove": () => import("./connector-remove.ts"),
  "connector list": () => import("./connector-list.ts"),
  "connector call": () => import("./connector-call.ts"),
  "host setup": () => import("./host-setup.ts"),
  "host check": () => import("./host-check.ts"),
  "host renumber": () => import("./host-renumber.ts"),
  "host reload": () => import("./host-reload.ts"),
  "host teardown": () => import("./host-teardown.ts"),
  "oci pull": () => import("./oci-pull.ts"),
  "oci list": () => import("./oci-list.ts"),
  "oci tags": () => import("./oci-tags.ts"),
  "oci inspect": () => import("./oci-inspect.ts"),
  "oci save": () => import("./oci-save.ts"),
  "oci load": () => import("./oci-load.ts"),
  "oci download": () => import("./oci-download.ts"),
  "oci man8init": () => import("./oci-man8init.ts"),
  "address get": () => import("./address-get.ts"),
  "address getsuffix": () => import("./address-getsuffix.ts"),
  "address whois": () => import("./address-whois.ts"),
  "address hosts": () => import("./address-hosts.ts"),
  "address export": () => import("./address-export.ts"),
  "address import": () => import("./address-import.ts"),
  "cache list": () => import("./cache-list.ts"),
  "cache prune": () => import("./cache-prune.ts"),
  "cache clear": () => import("./cache-clear.ts"),
  "cache verify": () => import("./cache-verify.ts"),
  completion: () => import("./completion.ts"),
  version: () => import("./version.ts"),
};

/** What the program does as a child of itself (lib/host/self.ts): importing it does the work. */
const children: Readonly<Record<string, () => Promise<unknown>>> = {
  "apply-layers": () => import("../lib/layers/apply_child.ts"),
  "connector-client": () => import("../lib/calls/client_child.ts"),
  "connector-serve": () => import("../lib/calls/serve_child.ts"),
  "copy-tree": () => import("../lib/trees/copy_tree_child.ts"),
  "receive-files": () => import("../lib/copy/receive_child.ts"),
  relay: () => import("../lib/relay/relay_child.ts"),
};

if (import.meta.main) {
  const [, , first = ""] = process.argv;
  const child = first.startsWith(childArgument) && children[first.slice(childArgument.length)];
  await (child ? child() : runProgram(verbTable));
}
