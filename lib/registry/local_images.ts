/**
 * Which images a file or folder holds, whatever its kind: what `oci load` is given.
 *
 * @module
 */

import { statSync } from "node:fs";
import * as v from "valibot";
import { usageError } from "../errors.ts";
import type { LocalRef } from "../image/reference.ts";
import { type LocalFiles, openArchive, openFolder } from "./local_files.ts";

/** An image that a file or folder holds. */
export interface HeldImage {
  readonly ref: LocalRef;
  /** What it is called there, if it is: `docker.io/library/nginx:latest`, or `latest`. */
  readonly name: string | undefined;
}

const indexSchema = v.object({
  manifests: v.array(v.object({ annotations: v.nullish(v.record(v.string(), v.string())) })),
});
const dockerSchema = v.array(v.object({ RepoTags: v.nullish(v.array(v.string())) }));

/** Longest list of images that is read. */
const listLimitBytes = 4 * 1024 * 1024;

/**
 * Lists the images in an OCI layout, an archive of one, a docker-archive, or a
 * folder of skopeo's `dir:`. An archive that is both (Docker 25 and newer) counts as OCI.
 *
 * @param path absolute.
 * @throws {MbctlError} (usage) when it is none of these.
 */
export async function listHeldImages(path: string): Promise<readonly HeldImage[]> {
  const isFolder = isDirectory(path);
  const files = isFolder ? await openFolder(path) : await openArchive(path);
  // A compressed archive: only `docker save | gzip` makes such, and skopeo reads it.
  if (files === undefined) return [{ ref: { transport: "docker-archive", path }, name: undefined }];
  await using held = files;
  const index = await readJson(held, "index.json");
  if ((await readJson(held, "oci-layout")) !== undefined && v.is(indexSchema, index)) {
    const transport = isFolder ? "oci" : "oci-archive";
    return index.manifests.map(({ annotations }) => {
      const inside = annotations?.["org.opencontainers.image.ref.name"];
      const ref = { transport, path, ...(inside === undefined ? {} : { name: inside }) } as const;
      return { ref, name: annotations?.["io.containerd.image.name"] ?? inside };
    });
  }
  const manifest = await readJson(held, "manifest.json");
  if (isFolder && manifest !== undefined) {
    return [{ ref: { transport: "dir", path }, name: undefined }];
  }
  if (!isFolder && v.is(dockerSchema, manifest)) {
    return manifest.flatMap(({ RepoTags }): HeldImage[] => {
      const names = RepoTags ?? [];
      if (names.length === 0)
        return [{ ref: { transport: "docker-archive", path }, name: undefined }];
      return names.map((name) => ({ ref: { transport: "docker-archive", path, name }, name }));
    });
  }
  throw noImages(path, "it is neither an OCI layout nor an archive of images");
}

function isDirectory(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw noImages(path, "there is no such file");
  if (!found.isDirectory() && !found.isFile()) throw noImages(path, "it is no plain file");
  return found.isDirectory();
}

function noImages(path: string, state: string) {
  return usageError(
    `Cannot load images from ${JSON.stringify(path)}: ${state}`,
    "name what mbctl oci save, podman save or docker save wrote",
  );
}

async function readJson(files: LocalFiles, name: string): Promise<unknown> {
  await using file = await files.open(name);
  if (file === undefined || file.sizeBytes > listLimitBytes) return undefined;
  try {
    return JSON.parse(Buffer.concat(await Array.fromAsync(file.read(0))).toString());
  } catch {
    return undefined;
  }
}
