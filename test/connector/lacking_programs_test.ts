import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { appPaths } from "../../lib/apps/app_paths.ts";
import { lackingPrograms } from "../../lib/connector/lacking_programs.ts";
import { parseImageConfigText } from "../../lib/image/config.ts";
import { machinePaths } from "../../lib/paths.ts";
import { parseAppName } from "../../lib/spec/app_name.ts";
import type { AppSpec } from "../../lib/spec/app_spec.ts";
import type { MachineSpec } from "../../lib/spec/machine_spec.ts";
import { machineOf } from "../firewall/_states.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "mbctl-lacking-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const { spec } = machineOf("db", {});
const image = parseImageConfigText(
  JSON.stringify({
    ...{ architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] } },
    config: { Env: ["PATH=/opt/bin:/bin"], WorkingDir: "/srv" },
  }),
);

function program(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, "");
  chmodSync(path, 0o755);
}

/** The commands that are said to lack their program. */
function lacking(changes: Partial<MachineSpec>): (string | undefined)[] {
  return lackingPrograms(root, { ...spec, ...changes }, image).map(
    (text) => /^it lends (\S+), and has no program "/.exec(text)?.[1],
  );
}

test("lackingPrograms() looks in the tree, by its links, its PATH and its working directory", () => {
  const { tree } = machinePaths(root, spec.name);
  for (const path of ["usr/bin/psql", "opt/bin/tool", "srv/run"]) program(join(tree, path));
  symlinkSync("usr/bin", join(tree, "bin"));
  // Of the host, it is another file.
  symlinkSync("/bin/sh", join(tree, "srv/sh"));
  mkdirSync(join(tree, "srv/folder"));
  const lend = {
    linked: ["/bin/psql", "-U", "x"],
    bare: ["tool"],
    relative: ["./run"],
    gone: ["/usr/bin/none"],
    nowhere: ["dump"],
    outside: ["/srv/sh"],
    folder: ["/srv/folder"],
  };
  expect(lacking({ lend })).toEqual(["folder", "gone", "nowhere", "outside"]);
  // Of what is mounted at its start nothing is known.
  const volumes = [{ path: "/usr/bin", kind: "host", source: "/srv/x", isReadOnly: true }] as const;
  expect(lacking({ lend, volumes })).toEqual(["folder", "nowhere", "outside"]);
  const environment = [["PATH", "/usr/bin"]] as const;
  expect(lacking({ lend, volumes, environment })).toEqual(["folder", "outside"]);
  // A whole system has PATH as a login of root has it.
  expect(lacking({ lend: { bare: ["tool"] }, mode: "base" })).toEqual(["bare"]);
});

test("lackingPrograms() says nothing while there is no tree, and looks into that of an application", () => {
  const { tree } = machinePaths(root, spec.name);
  const name = parseAppName("office");
  const app = { ...spec, name, isStarted: true, lend: { there: ["/x"], gone: ["/y"] } } as AppSpec;
  expect(lacking({ lend: { gone: ["/none"] }, mode: "base", apps: [app] })).toEqual([]);
  program(join(tree, appPaths(name).root, "x"));
  program(join(tree, "y"));
  expect(lacking({ mode: "base", apps: [app] })).toEqual(["gone"]);
});
