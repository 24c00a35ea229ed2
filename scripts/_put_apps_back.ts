/** The applications of a machine whose tree was made anew. */

import { missingApps } from "../lib/apps/converge_apps.ts";
import { applyChange } from "../lib/change/apply_change.ts";
import type { VerbContext } from "../lib/cli/context.ts";
import type { Host } from "../lib/host/host.ts";
import type { Digest } from "../lib/image/digest.ts";
import type { ImageRef } from "../lib/image/reference.ts";
import { readMachine } from "../lib/machine/inventory.ts";
import type { MachineName } from "../lib/spec/machine_name.ts";
import type { UsableImage } from "../lib/upgrade/upgrade_to.ts";
import { changeTools } from "./_machine_change.ts";

/** Adds what machine.toml has and the tree has not; who calls holds the machine's lock. */
export async function putAppsBack(
  context: VerbContext,
  host: Host,
  name: MachineName,
  locate: (ref: ImageRef, digest?: Digest) => Promise<UsableImage & AsyncDisposable>,
): Promise<void> {
  const { spec } = await readMachine(host, name);
  if (spec.apps.length === 0) return;
  await using held = new AsyncDisposableStack();
  const missing = await missingApps(host, spec, async (ref, digest) =>
    held.use(await locate(ref, digest)),
  );
  if (missing === undefined) return;
  context.log.info(`"${name}": its applications are added anew`);
  await applyChange(missing.change, changeTools(context, host, name, missing.images));
}
