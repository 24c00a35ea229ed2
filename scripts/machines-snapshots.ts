import { runScript } from "../lib/cli/main.ts";
import { formatBytes } from "../lib/cli/quantity.ts";
import { renderTable } from "../lib/cli/table.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { shortDigest } from "../lib/image/digest.ts";
import { noSuchMachine } from "../lib/machine/inventory.ts";
import { machinePaths } from "../lib/paths.ts";
import { nameExists } from "../lib/host/files.ts";
import { listLabels, readSnapshots } from "../lib/snapshots/list_snapshots.ts";
import { measureSnapshot } from "../lib/snapshots/measure_snapshot.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";

const verb = defineVerb({
  name: "machines snapshots",
  summary: "list the snapshots of a machine",
  description:
    "SIZE is what its files take up; OWN what is freed with it, as nothing else shares it. Measuring reads all names: --size asks for it.",
  reads: true,
  operands: { name: { kind: "machine", help: "the machine", parse: parseMachineName } },
  flags: { size: { type: "boolean", help: "measure them" } },
  examples: [
    { command: "mbctl machines snapshots web", says: "the oldest first" },
    { command: "mbctl machines snapshots web --size --json", says: "for scripts, with sizes" },
  ],
  async run(context, { name, size }) {
    const host = openHost(context);
    const paths = machinePaths(host.root, name);
    if (!nameExists(paths.machineToml) && listLabels(paths).length === 0) {
      throw noSuchMachine(host.root, name);
    }
    const found = readSnapshots(host.root, name, (problem) => context.log.warn(problem.message));
    const snapshots = found.map(({ createdMs, name: _, ...snapshot }) => ({
      ...snapshot,
      created: new Date(createdMs).toISOString(),
      ...(size ? { size: measureSnapshot(paths, snapshot) } : {}),
    }));
    context.out.answer({ machine: name, snapshots }, () =>
      renderTable(
        ["LABEL", "CREATED", "DATA", "WHY", "IMAGE", ...(size ? ["SIZE", "OWN"] : [])],
        snapshots.map(({ label, created, hasData, reason, image, size: measured }) => [
          label,
          created.slice(0, 19).replace("T", " "),
          hasData ? "yes" : "no",
          reason,
          [image.reference, shortDigest(image.digest)].filter(Boolean).join(" "),
          ...(measured === undefined
            ? []
            : [formatBytes(measured.bytes), formatBytes(measured.ownBytes)]),
        ]),
      ),
    );
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
