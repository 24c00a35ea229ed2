import { expect, test } from "bun:test";
import { diffFiles } from "../../lib/declare/show_files.ts";
import { machinePaths } from "../../lib/paths.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";

const paths = machinePaths("/", parseMachineName("web"));
const files = {
  machineToml:
    'name = "web"\nboot = true\nenv.X = "top-secret-1"\n\n[env]\nA = "top-secret-2"\n\n[limits]\ncpus = 1\n',
  nspawn: "[Exec]\nEnvironment=MAN8S_ESCAPED_A=top-secret-3\nHostname=ä\n",
  envFile: "A=top-secret-4\n",
  unitDropIn: "[Service]\nMemoryMax=1G\n",
};
const latin1 = (text: string) => Buffer.from(text).toString("latin1");

test("diffFiles() shows what differs, and no value of a variable", () => {
  const after = {
    machineToml: files.machineToml
      .replace("true", "false")
      .replaceAll("top-secret", "other-secret"),
    nspawn: latin1(files.nspawn.replace("ä", "ö").replace("top-secret", "other-secret")),
    envFile: "A=other-secret\nB=secret-5\n",
    unitDropIn: files.unitDropIn,
  };
  const shown = diffFiles(paths, { ...files, nspawn: latin1(files.nspawn) }, after);
  const text = shown.map(({ diff }) => diff).join("");
  expect(text).not.toContain("secret");
  expect(shown.map(({ path }) => path)).toEqual([paths.machineToml, paths.nspawn, paths.envFile]);
  expect(text).toContain("-boot = true\n-env.X = (hidden)\n+boot = false\n+env.X = (hidden)\n");
  expect(text).toContain("-A = (hidden)\n+A = (hidden)\n");
  expect(text).toContain("+Hostname=ö");
  expect(text).toContain("+B=(hidden)");
});

test("diffFiles() is empty where nothing differs, and shows all of a new machine", () => {
  expect(diffFiles(paths, files, files)).toEqual([]);
  expect(diffFiles(paths, undefined, files)).toHaveLength(4);
});

test.each([
  ['[env]\nA = "top-secret"\n'],
  ['env = { A = "top-secret" }\n'],
  ['[[apps]]\nname = "db"\n\n[apps.env]\nA = "top-secret"\n'],
  ['[[apps]]\nname = "db"\nenv.A = "top-secret"\n'],
  ['apps = [{ name = "db", env = { A = "top-secret" } }]\n'],
  // Less usual, and TOML all the same.
  ['[env]\nA = """\none\n[limits]\ntop-secret\n"""\nB = "secret"\n'],
  ['env = {\n  A = "top-secret"\n}\n'],
  ["[ 'env' ]\nA = 'top-secret'\n"],
  ['[[apps]]\nname = "db"\n[apps . env]\nA = "top-secret"\n'],
  ['"\\u0065nv".A = "top-secret"\n'],
  ['"\\u0065nv".A = "top-\\u0073ecret"\n'],
])("diffFiles() shows no value of a variable in %j", (machineToml) => {
  const [shown] = diffFiles(paths, undefined, { ...files, machineToml });
  expect(shown?.diff).toContain("(hidden)");
  expect(shown?.diff).not.toContain("secret");
});
