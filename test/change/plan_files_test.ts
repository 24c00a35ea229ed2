import { expect, test } from "bun:test";
import { planFiles } from "../../lib/change/plan_files.ts";
import { rerender } from "../../lib/change/rerender.ts";
import { machinePaths } from "../../lib/paths.ts";
import type { Step } from "../../lib/steps/step.ts";
import { facts, image, imageText, name, presentMachine, spec } from "./_machine.ts";

const present = presentMachine();
const plan = () =>
  planFiles(machinePaths("/", name), {
    machineToml: "# é\n",
    rerendering: rerender(present, spec, image, facts),
    imageText,
  });
const written = (steps: readonly Step[]) =>
  steps.flatMap((step) => (step.kind === "write-file" ? [step] : []));

test("planFiles() puts each file in its place, by its own name beside it", () => {
  const { prepare, redo } = plan();
  const sources = redo.flatMap((step) => (step.kind === "replace" ? [step.from] : []));
  expect(sources.sort()).toEqual(
    written(prepare)
      .map(({ path }) => path)
      .sort(),
  );
  const targets = redo.flatMap((step) => (step.kind === "replace" ? [step.to] : []));
  const folder = "/var/lib/man8machine_configs/web";
  expect(targets.sort()).toEqual(
    [
      ...["container.nspawn", "image.json", "machine.toml", "man8env.env", "unit.conf"].map(
        (file) => `${folder}/.mbctl/${file}`,
      ),
      `${folder}/.mbctl/unit.d/50-mbctl.conf`,
      ...["container.nspawn", "machine.toml", "man8env.env"].map((file) => `${folder}/${file}`),
      "/etc/systemd/system/systemd-nspawn@web.service.d/50-mbctl.conf",
    ].sort(),
  );
});

test("planFiles() clears all that it stages", () => {
  const { prepare, undo } = plan();
  const cleared = undo.flatMap((step) => (step.kind === "remove" ? [step.path] : []));
  for (const { path } of written(prepare)) {
    expect(cleared.some((prefix) => path === prefix || path.startsWith(`${prefix}/`))).toBe(true);
  }
});

test("planFiles() writes nothing that others may read but what they may", () => {
  const open = written(plan().prepare).filter(({ mode }) => (mode & 0o077) !== 0);
  expect(open.map(({ path }) => path).filter((path) => path.includes("man8env"))).toEqual([]);
});

test("planFiles() writes a machine.toml in UTF-8, whichever way it was read", () => {
  const [toml] = written(plan().prepare).filter(({ path }) =>
    path.endsWith(".machine.toml.mbctl-next"),
  );
  expect(Buffer.from(toml?.text ?? "", toml?.encoding)).toEqual(Buffer.from("# é\n"));
});
