/**
 * Layers to a root tree.
 *
 * @module
 */

import { chmod, chown, mkdir, readdir, realpath } from "node:fs/promises";
import { MbctlError } from "../errors.ts";
import { CommandError, missingProgram, type Run } from "../host/run.ts";
import type { ImageLayout } from "./layout.ts";
import { damaged } from "./skopeo_errors.ts";

export interface ApplyOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Something that turns the layers of an image into a root tree. */
export interface LayerApplier {
  /**
   * Applies all layers, lowest first, to an empty folder. Owners, modes, links,
   * devices, times and extended attributes are the image's; the folder itself is
   * root's, 0755. Every layer is compared with its diff_id. Nothing outside the
   * folder changes, whatever the layers hold. After a failure the folder may hold
   * litter: the caller removes it.
   *
   * @param target absolute; an empty folder, or nothing (its parent must exist).
   * @throws {MbctlError} of kind "conflict" when the target is not empty, "tool"
   * when the layers cannot be applied.
   */
  apply(layout: ImageLayout, target: string, options?: ApplyOptions): Promise<void>;
}

/**
 * Runs umoci where it can do no harm: in a mount namespace of its own, with a
 * root folder that shows the programs and the layout read-only, and the target.
 *
 * umoci 0.4.7 takes `.wh...` for a whiteout of `..` and deletes the *parent* of
 * the root tree (the tree is safe from nothing that stands in a layer anyway, the
 * rest of the host must be). In here the parent is an empty read-only tmpfs.
 *
 * The new root is put over /sys: a folder that every host has and in which
 * nobody keeps an image. The mounts end with the process.
 */
const isolated = `set -eu
umask 022
target=$1 layout=$2 blobs=$3 umoci=$4 name=$5
root=/sys
mount -t tmpfs -o mode=0755,size=1m,nosuid,nodev tmpfs "$root"
show() { mount --bind "$1" "$2"; mount -o remount,bind,ro "$2"; }
for dir in usr lib lib32 lib64; do
  if [ -L "/$dir" ]; then
    ln -s "$(readlink "/$dir")" "$root/$dir"
  elif [ -d "/$dir" ]; then
    mkdir "$root/$dir"
    show "/$dir" "$root/$dir"
  fi
done
mkdir "$root/layout" "$root/tree"
: >"$root/umoci"
show "$umoci" "$root/umoci"
show "$layout" "$root/layout"
show "$blobs" "$root/layout/blobs"
mount --bind "$target" "$root/tree"
mount -o remount,ro "$root"
cd "$root"
exec chroot . /umoci raw unpack --image "/layout:$name" /tree`;

/** The applier that calls `umoci raw unpack` (0.4.7 and newer). */
export function umociApplier(run: Run): LayerApplier {
  return {
    async apply(layout, target, options = {}) {
      const umoci = Bun.which("umoci");
      if (umoci === null) throw missingProgram("umoci");
      await prepare(target);
      const argv = [
        // A kill that nobody can catch must not leave a umoci that goes on writing.
        ...["setpriv", "--pdeathsig=KILL", "--"],
        ...["unshare", "--mount", "--propagation=private", "--"],
        ...["/bin/sh", "-c", isolated, "unpack"],
        ...[target, layout.dir, layout.blobsDir, await realpath(umoci), layout.name],
      ];
      try {
        await run(argv, { signal: options.signal });
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        throw explain(error, layout.image, target);
      }
      await chown(target, 0, 0);
      await chmod(target, 0o755);
    },
  };
}

async function prepare(target: string): Promise<void> {
  try {
    await mkdir(target, { mode: 0o755 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    const names = await readdir(target);
    if (names.length === 0) return;
    throw new MbctlError(
      "conflict",
      `Cannot unpack into ${JSON.stringify(target)}: it is not empty`,
    );
  }
}

/** umoci's own words stand in the cause; they choose nothing but the hint. */
function explain(error: CommandError, image: string, target: string): MbctlError {
  const { stderr } = error.result;
  // 0.4.7 marks its last words with a cross; 0.6.0 writes them as logrus does.
  const reason = /⨯ (.*)|level=fatal msg=(.*)/.exec(stderr);
  const words = reason?.[1] ?? reason?.[2] ?? stderr.trim();
  return new MbctlError(
    "tool",
    `Cannot unpack image ${JSON.stringify(image)} into ${JSON.stringify(target)}: umoci failed`,
    {
      cause: new Error(words === "" ? error.message : words),
      hint: /no space left on device/.test(words)
        ? "make room on that file system, for instance: mbctl cache clear"
        : damaged,
    },
  );
}
