/**
 * Manifests inside local images. skopeo reads only the manifest that a local
 * reference names: where that is an index, its entries are read here.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Run } from "../host/run.ts";
import { type Digest, digestAlgorithm, digestHex } from "../image/digest.ts";
import type { LocalRef } from "../image/reference.ts";

/**
 * Reads a manifest by its digest. The caller compares the digest.
 *
 * @throws the error of the file system or of tar when it is not there.
 */
export async function readLocalManifest(run: Run, ref: LocalRef, digest: Digest): Promise<string> {
  const hex = digestHex(digest);
  const blob = `blobs/${digestAlgorithm(digest)}/${hex}`;
  switch (ref.transport) {
    case "oci":
      return await readFile(join(ref.path, blob), "utf8");
    case "dir":
      // skopeo copy --all … dir: writes the manifests of an index so.
      return await readFile(join(ref.path, `${hex}.manifest.json`), "utf8");
    case "oci-archive":
    case "docker-archive": {
      // Archives name their members with or without a leading "./".
      const argv = ["tar", "--extract", "--to-stdout", `--file=${ref.path}`, "--occurrence=1"];
      const plain = await run([...argv, "--", blob], {
        allowExitCodes: [0, 2],
      });
      if (plain.exitCode === 0) return plain.stdout;
      return (await run([...argv, "--", `./${blob}`])).stdout;
    }
  }
}
