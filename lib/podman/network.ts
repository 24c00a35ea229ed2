/**
 * `--network` as a template.
 *
 * @module
 */

import { defaultNetworkChoices } from "../spec/machine_spec.ts";
import { type Draft, note, unsupported } from "./draft.ts";
import type { Given } from "./run_option.ts";

const oneNetwork =
  "the machines of a host share one network, reach each other by name, and nobody else does unless allow = says so";

/** `none`, `host`, `bridge` and its other names; a network of the user's own is the one of all machines. */
export function convertNetwork(draft: Draft, { value, written }: Given): void {
  const [mode = "", ...rest] = value.split(":");
  if (mode === "none") {
    draft.template = "private";
  } else if (mode === "host") {
    draft.template = "host";
  } else if (["container", "ns", "slirp4netns", "pasta"].includes(mode)) {
    unsupported(draft, written, "a machine has a network of its own, or its host's");
  } else {
    draft.template = defaultNetworkChoices.template;
    if (!["", "bridge", "default", "private", "podman"].includes(mode)) {
      note(draft, written, oneNetwork);
    }
    if (rest.length > 0) unsupported(draft, written, "a machine's addresses follow from its name");
  }
}
