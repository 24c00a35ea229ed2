import { describe, expect, test } from "bun:test";
import { setApp, unsetApp } from "../../lib/apps/edit_apps.ts";
import { parseAppName } from "../../lib/spec/app_name.ts";
import { parseDeclaration } from "../../lib/spec/machine_toml.ts";
import { app } from "./_app.ts";

const head = `# Ours.
schema = 1
name = "office"
mode = "base"
image = "os:debian:bookworm" # the release

# Not to be lost.
[limits]
memory = "1g"
`;
const db = {
  ...app,
  name: parseAppName("db"),
  environment: [["A", "[[apps]]\nname = 'x'"] as const],
};
const read = (text: string) => parseDeclaration(text, "machine.toml").apps;

describe("setApp()", () => {
  test("adds behind what is there, and changes in its place", () => {
    const one = setApp(head, app);
    expect(one.startsWith(head)).toBe(true);
    const two = setApp(one, db);
    expect(two.startsWith(one.trimEnd())).toBe(true);
    expect(read(two)).toEqual([app, db]);
    const changed = { ...app, isReadOnly: true, limits: { tasks: 5 } };
    const three = setApp(two, changed);
    expect(read(three)).toEqual([changed, db]);
    expect(three.startsWith(head)).toBe(true);
    expect(setApp(three, changed)).toBe(three);
  });

  test("keeps the comments of tables behind it", () => {
    const text = `${setApp(head, app)}\n# Of the labels.\n[labels]\na = "b" # kept\n`;
    const changed = setApp(text, { ...app, isStarted: false });
    expect(changed).toContain('\n# Of the labels.\n[labels]\na = "b" # kept\n');
  });

  test("refuses a list that it cannot edit", () => {
    const text = head.replace("mode", 'apps = [{ name = "web", image = "x" }]\nmode');
    expect(() => setApp(text, db)).toThrow('Cannot edit the application "db" in machine.toml');
  });
});

describe("unsetApp()", () => {
  test("is the inverse", () => {
    const both = setApp(setApp(head, app), db);
    expect(unsetApp(both, db.name)).toBe(setApp(head, app));
    expect(unsetApp(unsetApp(both, app.name), db.name)).toBe(head);
    expect(unsetApp(head, app.name)).toBe(head);
  });
});
