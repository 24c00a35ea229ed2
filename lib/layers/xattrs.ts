/**
 * Extended attributes that a layer may set. What else a layer brings is left out
 * with a warning: labels of another host's policy, and what overlayfs takes for
 * its own, must not come from an image.
 *
 * @module
 */

import { type PathBytes, setXattr, SyscallError } from "../host/libc.ts";
import { LayerError } from "./layer_error.ts";

const allowed = [
  "security.capability",
  "system.posix_acl_access",
  "system.posix_acl_default",
] as const;

/** Whether a layer may set an attribute of this name. */
function isAllowedXattr(name: string): boolean {
  if (name.startsWith("user.")) return !name.startsWith("user.overlay.");
  return (allowed as readonly string[]).includes(name);
}

/** Sets attributes, and says once for each name what could not be set. */
export class XattrWriter {
  readonly #onWarning: (text: string) => void;
  readonly #said = new Set<string>();

  constructor(onWarning: (text: string) => void) {
    this.#onWarning = onWarning;
  }

  /**
   * @param directory an open directory.
   * @param name of what is in it, Latin-1; a link's own attributes are set.
   * @param isPlain whether it is a file or a directory: others take none of the user's.
   */
  set(
    directory: number,
    name: string,
    attributes: ReadonlyMap<string, string>,
    isPlain: boolean,
  ): void {
    // There is no setxattrat(2) before Linux 6.13.
    const path: PathBytes = Buffer.from(`/proc/self/fd/${directory}/${name}`, "latin1");
    for (const [key, value] of attributes) {
      if (!isAllowedXattr(key)) {
        this.#warn(key, "layers may not set it");
        continue;
      }
      if (!isPlain && key.startsWith("user.")) {
        this.#warn(key, "only files and directories can have it");
        continue;
      }
      try {
        setXattr(path, key, Buffer.from(value, "latin1"));
      } catch (error) {
        if (!(error instanceof SyscallError)) throw error;
        if (error.code !== "ENOTSUP") {
          throw new LayerError(
            `its extended attribute ${JSON.stringify(key)} cannot be set: ${state(error)}`,
          );
        }
        this.#warn(key, "this file system does not support it");
      }
    }
  }

  #warn(key: string, state: string): void {
    // Names come from the image: only so many of them are worth a line.
    if (this.#said.has(key) || this.#said.size >= 20) return;
    this.#said.add(key);
    this.#onWarning(`the extended attribute ${JSON.stringify(key)} was left out: ${state}`);
  }
}

function state({ code }: SyscallError): string {
  if (code === "EINVAL") return "its value is malformed";
  if (code === "ENOSPC" || code === "E2BIG" || code === "ERANGE") return "its value is too long";
  return code;
}
