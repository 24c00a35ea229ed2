import { describe, expect, test } from "bun:test";
import { type LentCommand, lentCommands } from "../../lib/connector/lent_commands.ts";
import { parseAppName } from "../../lib/spec/app_name.ts";
import { completeApps } from "../../lib/spec/app_spec.ts";
import { parseDeclaration } from "../../lib/spec/machine_toml.ts";

/** What a machine.toml lends, with an image of this entrypoint and command. */
function lent(
  toml: string,
  [entrypoint, cmd]: readonly [readonly string[], readonly string[]] = [[], []],
): Record<string, LentCommand> {
  const declared = parseDeclaration(`schema = 1\nimage = "a"\n${toml}`, "machine.toml", "db");
  const image = { entrypoint, cmd };
  const spec = { ...declared, apps: completeApps(declared.apps, []) };
  const apps = new Map([
    [parseAppName("nginx"), { entrypoint: ["/docker-entrypoint.sh"], cmd: ["nginx"] }],
    [parseAppName("tool"), { entrypoint: [], cmd: ["/usr/bin/tool", "-v"] }],
  ]);
  return Object.fromEntries([...lentCommands(spec, image, apps)].toSorted());
}

const own = (words: readonly string[], defaults: readonly string[] = []) => ({ words, defaults });

describe("lentCommands()", () => {
  test("a machine lends what it names, and nothing by itself", () => {
    expect(lent("", [["/bin/db"], []])).toEqual({});
    expect(lent('[lend]\npsql = ["psql", "-U", "postgres"]\nping = ["ping"]')).toEqual({
      psql: own(["psql", "-U", "postgres"]),
      ping: own(["ping"]),
    });
  });

  test("of mode connector: its Entrypoint, with Cmd for who gives no words", () => {
    const rows: readonly (readonly [
      image: readonly [readonly string[], readonly string[]],
      lends: Record<string, LentCommand>,
    ])[] = [
      [[["/usr/sbin/nginx", "-q"], ["-t"]], { nginx: own(["/usr/sbin/nginx", "-q"], ["-t"]) }],
      // Without an Entrypoint its place is that of Cmd's program: any other one would be more than was lent.
      [
        [[], ["redis-server", "--port", "1"]],
        { "redis-server": own(["redis-server"], ["--port", "1"]) },
      ],
      [[[], []], {}],
      [[["/"], []], {}],
      [[["/bin/.hidden"], []], {}],
      [[["/bin/a b"], []], {}],
    ];
    for (const [image, lends] of rows) {
      expect([image, lent('mode = "connector"', image)]).toEqual([image, lends]);
    }
  });

  test("of mode connector: the user's entrypoint and args count, and [lend] replaces it", () => {
    const image = [["/bin/a"], ["b"]] as const;
    expect(lent('mode = "connector"\nargs = ["c"]', image)).toEqual({ a: own(["/bin/a"], ["c"]) });
    // As with podman, the image's Cmd goes with its Entrypoint.
    expect(lent('mode = "connector"\nentrypoint = ["/bin/x"]', image)).toEqual({
      x: own(["/bin/x"]),
    });
    expect(lent('mode = "connector"\n[lend]\ny = ["/bin/y"]', image)).toEqual({
      y: own(["/bin/y"]),
    });
  });

  test("applications lend too; one that is not started lends its program", () => {
    const apps = `mode = "base"
[lend]
apt = ["apt"]
[[apps]]
name = "nginx"
image = "nginx"
[apps.lend]
nginx = ["nginx"]
apt = ["never"]
[[apps]]
name = "tool"
image = "tool"
start = false
`;
    expect(lent(apps)).toEqual({
      apt: own(["apt"]),
      nginx: { ...own(["nginx"]), app: parseAppName("nginx") },
      tool: { ...own(["/usr/bin/tool"], ["-v"]), app: parseAppName("tool") },
    });
  });
});
