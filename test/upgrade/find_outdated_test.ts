import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MbctlError } from "../../lib/errors.ts";
import { makeRun, type Run } from "../../lib/host/run.ts";
import { hostPlatform } from "../../lib/image/platform.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { findOutdated } from "../../lib/upgrade/find_outdated.ts";
import { Layout } from "../lab/images/layout.ts";

const folder = mkdtempSync(join(tmpdir(), "outdated-"));
afterAll(() => rmSync(folder, { recursive: true }));

const calls: string[] = [];
const real = makeRun();
const run: Run = async (argv, options) => {
  calls.push(argv.at(-1) ?? "");
  return await real(argv, options);
};
const options = { platform: hostPlatform(process.arch), tlsVerify: false };
const spec = (name: string, reference: string, manifestDigest = "sha256:0") => ({
  name: parseMachineName(name),
  mode: "direct" as const,
  image: { reference, digest: manifestDigest, manifestDigest },
});

test("findOutdated() compares with the manifest for this platform, also behind an index", async () => {
  const layout = await Layout.create(join(folder, "layout"));
  const one = await layout.addImage({ layers: [], config: { config: { Cmd: ["/one"] } } });
  const two = await layout.addImage({ layers: [], config: { config: { Cmd: ["/two"] } } });
  await layout.tag("plain", one);
  await layout.tag("index", await layout.addIndex([two]));
  const at = (name: string) => `oci:${layout.dir}:${name}`;
  const states = await findOutdated(
    run,
    [
      spec("a", at("plain"), one.digest),
      spec("b", at("plain"), two.digest),
      spec("c", at("index"), two.digest),
      spec("d", at("index"), one.digest),
    ],
    options,
  );
  expect(states.map(({ name, state, available }) => [name, state, available])).toEqual([
    ["a", "up to date", one.digest],
    ["b", "outdated", one.digest],
    ["c", "up to date", two.digest],
    ["d", "outdated", two.digest],
  ] as never);
});

test("findOutdated() asks once for a reference that machines share, and never for a digest", async () => {
  calls.length = 0;
  const gone = "localhost:1/app:1";
  const pinned = `localhost:1/app@sha256:${"0".repeat(64)}`;
  const specs = [spec("a", gone), spec("b", gone), spec("c", pinned)];
  const states = await findOutdated(run, specs, options);
  expect(calls).toEqual([`docker://${gone}`]);
  expect(states.map(({ state, available }) => [state, available])).toEqual([
    ["unknown", undefined],
    ["unknown", undefined],
    ["pinned", "sha256:0"],
  ]);
  expect(states[0]?.problem).toBeInstanceOf(MbctlError);
  expect(states[0]?.problem?.kind).toBe("tool");
}, 60_000);
