import { expect, test } from "bun:test";
import { formatUnitFile } from "../../lib/nspawn/unit_file.ts";
import { innerPlaces, innerVolumeItems, lacksVolumeGuard } from "../../lib/nspawn/unit_volumes.ts";

test("innerPlaces() names each folder between a volume and one that lies in it", () => {
  expect(innerPlaces(["/s/data", "/s/data/x/etc", "/s/data2", "/c/conf"])).toEqual([
    "/s/data/x",
    "/s/data/x/etc",
  ]);
  expect(innerPlaces(["/s/data", "/s/data/a", "/s/data/a/b"])).toEqual([
    "/s/data/a",
    "/s/data/a/b",
  ]);
  expect(innerPlaces(["/s/one", "/s/two"])).toEqual([]);
});

test("innerVolumeItems() gives the places to a shell as words, whatever is in them", () => {
  expect(innerVolumeItems(["/s/data"])).toEqual([]);
  expect(formatUnitFile(innerVolumeItems(["/s", '/s/a "b" $c %i \\ ü']))).toEqual(
    `# Volumes in volumes: a link of the machine's own would lead to folders of the host.
ExecStartPre=/bin/sh -c '\\
    for p; do if [ -L "$$p" ]; then echo "$$p is a link, and a volume of this machine is there: remove the link" >&2; exit 1; fi; done' mbctl-volumes "/s/a \\"b\\" $$c %%i \\\\ ü"
`,
  );
});

test("lacksVolumeGuard() wants each place to be looked at, and nothing where no volume lies in another", () => {
  const sources = ["/s", "/s/a%b", "/s/c/d"];
  const dropIn = `[Service]\n${formatUnitFile(innerVolumeItems(sources))}Nice=1\n`;
  expect(lacksVolumeGuard(dropIn, sources)).toBe(false);
  expect(lacksVolumeGuard(dropIn, [...sources, "/s/e"])).toBe(true);
  expect(lacksVolumeGuard("[Service]\n", sources)).toBe(true);
  expect(lacksVolumeGuard("[Service]\n", ["/s", "/t"])).toBe(false);
});
