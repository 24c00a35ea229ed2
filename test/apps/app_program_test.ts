import { describe, expect, test } from "bun:test";
import {
  appProgram,
  droppedVariables,
  findProgram,
  foreignVariables,
  requireAppChoices,
} from "../../lib/apps/app_program.ts";
import { app, image, noFiles } from "./_app.ts";

const isThere =
  (...paths: string[]) =>
  (path: string) =>
    paths.includes(path);

describe("findProgram()", () => {
  test.each([
    ["sh", "/bin:/usr/bin", "/", ["/usr/bin/sh"], "/usr/bin/sh"],
    ["sh", "/bin:/usr/bin", "/", ["/bin/sh", "/usr/bin/sh"], "/bin/sh"],
    ["/entry.sh", "", "/srv", ["/entry.sh"], "/entry.sh"],
    ["./run", "/bin", "/srv/app", ["/srv/app/run"], "/srv/app/run"],
    ["bin/run", "/bin", "/srv", ["/srv/bin/run"], "/srv/bin/run"],
    // An empty part is the working directory, as execvp(3) has it.
    ["run", ":/bin", "/srv", ["/srv/run"], "/srv/run"],
    ["run", "sub:/bin", "/srv", ["/srv/sub/run"], "/srv/sub/run"],
    // A link may stand before it: the text decides nothing.
    ["../run", "/bin", "/srv", ["/srv/../run"], "/srv/../run"],
  ])("finds %j in %j from %j", (word, path, directory, files, expected) => {
    expect(findProgram(word, path, directory, isThere(...files))).toBe(expected);
  });

  test.each([
    ["nginx", 'Cannot run the program "nginx": the image has none in /bin'],
    ["/nginx", 'Cannot run the program "/nginx": the image has no such program'],
    ["", 'Cannot run the program "": the image has none in /bin'],
  ])("refuses %j", (word, message) => {
    expect(() => findProgram(word, "/bin", "/", () => word === "")).toThrow(message);
  });
});

describe("appProgram()", () => {
  const files = {
    passwd: "root:x:0:0::/root:/bin/sh\nweb:x:101:102::/srv/web:/bin/sh\n",
    group: "web:x:102:\nmore:x:103:web\n",
  };
  const words = ["serve"];

  test("takes HOME and USER from the application's own passwd", () => {
    const { user, environment } = appProgram(
      { ...app, user: "web", environment: [["A", "2"]] },
      {
        ...image,
        env: [
          ["A", "1"],
          ["B", "b"],
        ],
      },
      words,
      files,
      isThere("/usr/bin/serve"),
    );
    expect(user).toEqual({ uid: 101, gid: 102, groups: [103] });
    expect(Object.fromEntries(environment)).toEqual({
      A: "2",
      B: "b",
      HOME: "/srv/web",
      USER: "web",
      MBCTL_CONNECTOR_DIR: "/connectors",
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    });
  });

  test("leaves what the image sets", () => {
    const env = [
      ["HOME", "/h"],
      ["USER", "u"],
      ["PATH", "/p"],
    ] as const;
    const found = appProgram(app, { ...image, env }, words, files, isThere("/p/serve"));
    expect(Object.fromEntries(found.environment)).toMatchObject(Object.fromEntries(env));
    expect(found.path).toBe("/p/serve");
  });

  test("a number needs no entry, and then has no name", () => {
    const found = appProgram({ ...app, user: "7:8" }, image, words, noFiles, () => true);
    expect(found.user).toEqual({ uid: 7, gid: 8, groups: [] });
    expect(found.environment.map(([name]) => name)).not.toContain("USER");
    expect(foreignVariables(found.environment)).toEqual(["LANG", "LOGNAME", "SHELL", "USER"]);
  });

  test("a user that the image does not have is refused", () => {
    expect(() => appProgram({ ...app, user: "none" }, image, words, files, () => true)).toThrow(
      'Cannot run as "none"',
    );
  });
});

test("droppedVariables() are those that no shell could set", () => {
  expect(
    droppedVariables([
      ["my.var", "1"],
      ["OK", "2"],
      ["1st", "3"],
    ]),
  ).toEqual(["my.var", "1st"]);
});

test("an application has no disk of its own", () => {
  expect(() => requireAppChoices({ ...app, limits: { disk: 1 } })).toThrow(
    'Cannot limit the disk of the application "web"',
  );
});
