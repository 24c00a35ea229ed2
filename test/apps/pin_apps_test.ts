import { expect, test } from "bun:test";
import { pinApps } from "../../lib/apps/pin_apps.ts";
import { parseDigest, unknownDigest } from "../../lib/image/digest.ts";
import { formatImageRef } from "../../lib/image/reference.ts";
import type { UsableImage } from "../../lib/upgrade/upgrade_to.ts";
import { app } from "./_app.ts";

const digest = parseDigest(`sha256:${"3".repeat(64)}`);
const manifestDigest = parseDigest(`sha256:${"4".repeat(64)}`);

test("pinApps() asks for those alone that have no digests", async () => {
  const asked: unknown[] = [];
  const none = { digest: unknownDigest, manifestDigest: unknownDigest };
  const open = { ...app, image: { reference: "nginx:2", ...none } };
  const half = { ...app, image: { reference: "nginx:3", ...none, digest } };
  const pinned = await pinApps([app, open, half], async (ref, known) => {
    asked.push([formatImageRef(ref), known]);
    return { found: { digest, manifestDigest } } as UsableImage;
  });
  expect(asked).toEqual([
    ["docker.io/library/nginx:2", undefined],
    ["docker.io/library/nginx:3", digest],
  ]);
  const image = (tag: string) => ({
    ...app,
    image: { reference: `docker.io/library/nginx:${tag}`, digest, manifestDigest },
  });
  expect(pinned).toEqual([app, image("2"), image("3")]);
});
