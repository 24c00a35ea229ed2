import { describe, expect, test } from "bun:test";
import { addPublished, pinApp, setApp, unsetApp } from "../../lib/apps/edit_apps.ts";
import { parsePublishedPort } from "../../lib/network/published_port.ts";
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

describe("pinApp()", () => {
  const { reference, digest, manifestDigest } = app.image;
  const digests = `digest = "${digest}"`;
  const inline = `{ reference = "${reference}", ${digests}, manifest_digest = "${manifestDigest}" }`;

  test.each([
    ["a line", `image = "nginx:1" # ours\n`, `image = ${inline} # ours\n`],
    ["an inline table", `image = { reference = "nginx:1" }\n`, `image = ${inline}\n`],
    [
      "a table",
      `[apps.env]\nimage = "x"\n\n[apps.image] # which\nreference = "nginx:1" # ours\n\n# Its limits.\n[apps.limits]\ntasks = 5\n`,
      `[apps.env]\nimage = "x"\n\n[apps.image] # which\nreference = "${reference}" # ours\n${digests}\nmanifest_digest = "${manifestDigest}"\n\n# Its limits.\n[apps.limits]\ntasks = 5\n`,
    ],
  ])("writes digests into %s, and keeps all else", (_, declared, pinned) => {
    const around = (text: string) =>
      `${head}\n[[apps]]\nname = "db"\nimage = "db"\n\n[[apps]]\nname = "web"\n${text}\n# Theirs.\n[labels]\na = "b"\n`;
    const edited = pinApp(around(declared), app);
    expect(edited).toBe(around(pinned));
    expect(read(edited ?? "").find(({ name }) => name === "web")?.image).toEqual(app.image);
  });

  test("says that it cannot, where a list is in one line", () => {
    const text = head.replace("mode", 'apps = [{ name = "web", image = "x" }]\nmode');
    expect(pinApp(text, app)).toBeUndefined();
  });
});

test("addPublished() adds the ports that are not there, in their place", () => {
  const [web, dns] = [parsePublishedPort("8080:80"), parsePublishedPort("5353:53/udp")];
  expect(addPublished(head, [], [])).toBe(head);
  const bare = head.replace("# Not to be lost.\n", "");
  const one = addPublished(bare, [], [web]);
  expect(one).toBe(bare.replace("# the release\n", '# the release\npublish = ["8080:80"]\n'));
  const kept = one.replace('"]', '"] # ours');
  expect(addPublished(kept, [web], [web])).toBe(kept);
  expect(addPublished(kept, [web], [dns, web])).toBe(
    kept.replace('"8080:80"', '"8080:80", "5353:53/udp"'),
  );
  const odd = "publish.x = 1\n";
  expect(() => addPublished(odd, [], [web])).toThrow("Cannot publish ports in machine.toml");
});

describe("unsetApp()", () => {
  test("is the inverse", () => {
    const both = setApp(setApp(head, app), db);
    expect(unsetApp(both, db.name)).toBe(setApp(head, app));
    expect(unsetApp(unsetApp(both, app.name), db.name)).toBe(head);
    expect(unsetApp(head, app.name)).toBe(head);
  });
});
