import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { run } from "../run.ts";
import { debianBaseLayout, debianReleases } from "./debian_base.ts";

setDefaultTimeout(10 * 60_000);

test.each([...debianReleases])(
  "an image of Debian %s is a small system with apt and without systemd",
  async (release) => {
    const layout = await debianBaseLayout(release);
    const readJson = async (path: string) => await Bun.file(join(layout, path)).json();
    const blob = (digest: string) => join("blobs", digest.replace(":", "/"));
    const manifest = await readJson(blob((await readJson("index.json")).manifests[0].digest));
    expect(manifest.layers).toBeArrayOfSize(1);
    const tar = join(layout, blob(manifest.layers[0].digest));
    const paths = (await run(["tar", "-tzf", tar])).stdout.split("\n");
    expect(paths).toContain("usr/bin/apt-get");
    expect(paths).toContain("etc/apt/sources.list.d/debian.sources");
    expect(paths.filter((path) => /(^|\/)systemd$|\/init$|^dev\/.|lists\/./.test(path))).toEqual(
      [],
    );
    const osRelease = (await run(["tar", "-xzOf", tar, "usr/lib/os-release"])).stdout;
    expect(osRelease).toContain(`VERSION_CODENAME=${release}\n`);
  },
);
