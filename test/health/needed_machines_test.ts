import { expect, test } from "bun:test";
import { neededMachines, stopOrder } from "../../lib/health/needed_machines.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";

const names = (text: string) => text.split(" ").filter(Boolean).map(parseMachineName);
const specs = [
  ["app", "db cache"],
  ["db", "base"],
  ["cache", "base"],
  ["base", ""],
  ["alone", ""],
].map(([name = "", depends = ""]) => ({ name: parseMachineName(name), depends: names(depends) }));

test.each([
  ["app", "db base cache"],
  ["db cache", "base"],
  ["alone", ""],
])("neededMachines() of %s: %s", (of, needed) => {
  expect(neededMachines(specs, names(of))).toEqual(names(needed));
});

test.each([
  ["base db app", "app db base"],
  ["base alone cache", "cache base alone"],
  ["app db base", "app db base"],
  ["base app", "app base"],
  ["cache base app db", "app cache db base"],
])("stopOrder() of %s: %s", (given, order) => {
  expect(stopOrder(specs, names(given))).toEqual(names(order));
});

test("machines that need each other, by files that somebody wrote, end the search all the same", () => {
  const circle = [
    { name: parseMachineName("a"), depends: names("b") },
    { name: parseMachineName("b"), depends: names("a") },
  ];
  expect(neededMachines(circle, names("a"))).toEqual(names("b a"));
});
