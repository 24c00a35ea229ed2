/**
 * The contenders' names.
 *
 * @module
 */

export type ContenderId = "mbctl" | "mbctl-own" | "importctl" | "podman" | "umoci" | "umoci-raw";

/** What tables and the plot call them. */
export const labels: Readonly<Record<ContenderId, string>> = {
  mbctl: "mbctl machines pull",
  "mbctl-own": "mbctl machines pull, no igzip",
  importctl: "importctl pull-oci",
  podman: "podman pull",
  umoci: "skopeo copy + umoci unpack",
  "umoci-raw": "skopeo copy + umoci raw unpack",
};
