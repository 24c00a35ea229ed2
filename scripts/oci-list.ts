import { runScript } from "../lib/cli/main.ts";
import { formatBytes } from "../lib/cli/progress.ts";
import { renderTable } from "../lib/cli/table.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { digestHex } from "../lib/image/digest.ts";
import { formatPlatform } from "../lib/image/platform.ts";
import { lookIntoStore } from "./_image_store.ts";

const verb = defineVerb({
  name: "oci list",
  summary: "list the images in the store",
  description:
    "RESOLVED is when the registry was asked last what the reference names. What has a digest in place of a tag was named by that tag before.",
  reads: true,
  examples: [
    { command: "mbctl oci list", says: "one line a reference" },
    { command: "mbctl oci list --json", says: "the same for scripts" },
  ],
  run(context) {
    openHost(context);
    const { images } = lookIntoStore(context);
    const rows = images
      .flatMap(({ references, layersSizeBytes, layers, missing, machines }) =>
        references.map((noted) => ({
          reference: noted.reference,
          digest: noted.digest,
          manifestDigest: noted.manifestDigest,
          platform: formatPlatform(noted.platform),
          layers: layers.length,
          missingLayers: missing.length,
          layersSizeBytes,
          resolvedAt: new Date(noted.resolvedMs).toISOString(),
          usedAt: new Date(noted.usedMs).toISOString(),
          verifiedBy: noted.verifiedBy,
          machines,
        })),
      )
      .sort((a, b) => (a.reference < b.reference ? -1 : 1));
    context.out.answer({ images: rows }, () =>
      renderTable(
        ["IMAGE", "DIGEST", "PLATFORM", "LAYERS", "RESOLVED", "MACHINES"],
        rows.map((row) => [
          row.reference,
          digestHex(row.digest).slice(0, 12),
          row.platform,
          row.missingLayers === 0
            ? `${row.layers}, ${formatBytes(row.layersSizeBytes)}`
            : `${row.missingLayers} of ${row.layers} missing`,
          `${row.resolvedAt.slice(0, 16).replace("T", " ")} UTC`,
          row.machines.join(", "),
        ]),
      ),
    );
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
