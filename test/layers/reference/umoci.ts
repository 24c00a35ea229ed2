/**
 * The reference: what `umoci raw unpack` (Debian 12's 0.4.7) makes of layers.
 *
 * umoci follows the image specification closely, but is not safe: it takes `.wh...` for
 * a whiteout of `..` and deletes the *parent* of the root tree. So it runs in a mount
 * namespace of its own, with a root folder that shows the programs and the layouts
 * read-only, and the trees, each in a folder of its own. mbctl itself used it so until it
 * had an applier of its own.
 *
 * Starting it costs more than its work on small layers: one cage serves a whole batch, and
 * two of it run at a time.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A layer as it lies in a registry. */
export interface Blob {
  readonly bytes: Uint8Array;
  /** The plain stream, where it is not `bytes`. */
  readonly plain?: Uint8Array;
  /** Ending of the media type: `""` by default, `+gzip`. */
  readonly suffix?: string;
}

/** What became of one stack. The tree is there in either case, unless umoci has removed it. */
export interface Outcome {
  readonly tree: string;
  readonly isAccepted: boolean;
  /** umoci's own words. */
  readonly said: string;
}

/** The mounts end with the process. */
const caged = `set -eu
umask 022
work=$1 umoci=$2
root=$work/root
mount -t tmpfs -o mode=0755,size=1m,nosuid,nodev tmpfs "$root"
show() { mount --bind "$1" "$2"; mount -o remount,bind,ro "$2"; }
for dir in usr lib lib32 lib64 bin; do
  if [ -L "/$dir" ]; then
    ln -s "$(readlink "/$dir")" "$root/$dir"
  elif [ -d "/$dir" ]; then
    mkdir "$root/$dir"
    show "/$dir" "$root/$dir"
  fi
done
mkdir "$root/layout" "$root/trees" "$root/results" "$root/dev"
: >"$root/umoci"
: >"$root/dev/null"
mount --bind /dev/null "$root/dev/null"
show "$umoci" "$root/umoci"
show "$work/layout" "$root/layout"
mount --bind "$work/trees" "$root/trees"
mount --bind "$work/results" "$root/results"
mount -o remount,ro "$root"
cd "$root"
exec chroot . /usr/bin/xargs -P 2 -n 1 /bin/sh -c '
  /umoci raw unpack --image "/layout:$1" "/trees/$1/tree" >/dev/null 2>"/results/$1.said"
  echo "$?" >"/results/$1.code"' unpack`;

/**
 * Unpacks stacks of layers, lowest first, and tells what became of each.
 *
 * @param work an empty folder; the trees stay in it.
 * @param enter argv that goes before the command: into the namespace in which `work` is to be seen as `seen`.
 */
export async function unpackWithUmoci(
  stacks: readonly (readonly Blob[])[],
  work: string,
  enter: readonly string[] = [],
  seen = work,
): Promise<Outcome[]> {
  for (const name of ["layout/blobs/sha256", "trees", "results", "root"]) {
    mkdirSync(join(work, name), { recursive: true });
  }
  writeLayout(join(work, "layout"), stacks);
  for (const index of stacks.keys()) {
    mkdirSync(join(work, `trees/${index}/tree`), { recursive: true });
  }
  const umoci = Bun.which("umoci");
  if (umoci === null) throw new Error("umoci is not installed: make packages");
  const child = Bun.spawn(
    [
      ...["setpriv", "--pdeathsig=KILL", "--"],
      ...enter,
      ...["unshare", "--mount", "--propagation=private", "--"],
      ...["/bin/sh", "-c", caged, "cage", seen, realpathSync(umoci)],
    ],
    {
      stdin: Buffer.from([...stacks.keys()].join("\n")),
      stderr: "pipe",
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/", TZ: "UTC" },
    },
  );
  const talk = await child.stderr.text();
  if ((await child.exited) !== 0) throw new Error(`The cage of umoci failed: ${talk}`);
  return stacks.map((_, index) => {
    const said = readFileSync(join(work, `results/${index}.said`), "utf8").trim();
    const code = readFileSync(join(work, `results/${index}.code`), "utf8").trim();
    const tree = join(work, `trees/${index}/tree`);
    return { tree, isAccepted: code === "0" && existsSync(tree), said };
  });
}

/** Removes what {@linkcode unpackWithUmoci} left. */
export function clearReference(work: string): void {
  for (const name of ["layout", "trees", "results", "root"]) {
    rmSync(join(work, name), { recursive: true, force: true });
  }
}

/** One OCI image layout with an image for each stack, named by its number (image-layout.md). */
function writeLayout(layout: string, stacks: readonly (readonly Blob[])[]): void {
  const blobs = new Set<string>();
  const write = (mediaType: string, bytes: Uint8Array) => {
    const hex = sha256(bytes);
    if (!blobs.has(hex)) writeFileSync(join(layout, "blobs/sha256", hex), bytes);
    blobs.add(hex);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const json = (type: string, value: unknown) =>
    write(`application/vnd.oci.image.${type}.v1+json`, Buffer.from(JSON.stringify(value)));
  const manifests = stacks.map((stack, index) => {
    const diffIds = stack.map(({ bytes, plain }) => `sha256:${sha256(plain ?? bytes)}`);
    const config = json("config", {
      architecture: "amd64",
      os: "linux",
      rootfs: { type: "layers", diff_ids: diffIds },
    });
    const layers = stack.map(({ bytes, suffix = "" }) =>
      write(`application/vnd.oci.image.layer.v1.tar${suffix}`, bytes),
    );
    const manifest = json("manifest", { schemaVersion: 2, config, layers });
    return { ...manifest, annotations: { "org.opencontainers.image.ref.name": String(index) } };
  });
  writeFileSync(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
