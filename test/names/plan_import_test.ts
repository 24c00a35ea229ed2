import { describe, expect, test } from "bun:test";
import { parsePrefix } from "../../lib/address/ipv6.ts";
import { parseTrustedHost } from "../../lib/address/trusted_host.ts";
import { MbctlError } from "../../lib/errors.ts";
import { parseHostConfig } from "../../lib/config/host_config.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { type ImportFacts, planImport } from "../../lib/names/plan_import.ts";
import type { HostDocument } from "../../lib/names/host_document.ts";

const key = "cc11c73bd4271b10b2ecba1d01a06c1465c053e665f2d9b3c97480559628bc56";
const otherKey = key.replace("c1", "c2");

function facts(configText: string): ImportFacts {
  return {
    root: "/",
    config: parseHostConfig(configText, "config.toml"),
    configText,
    hostName: "hosta",
    prefix: parsePrefix("300:2e98:a4b0:1789::/64"),
    machines: [parseMachineName("db")],
  };
}
function document(host = "hostb", value = key): HostDocument {
  const { address, prefix } = parseTrustedHost(host, value);
  return { host, key: value, address, prefix, machines: ["web", "Api"].map(parseMachineName) };
}

const known = `# ours\nbridge = "br0"\n\n[hosts] # trusted\nhostb = "${key}" # Berlin\nhostc = "302::/64"\n`;
const names = (host: string) => [
  { kind: "make-directory", path: "/etc/mbctl/names", mode: 0o755 },
  { kind: "write-file", path: `/etc/mbctl/names/${host}`, text: "web\nApi\n", mode: 0o644 },
];
const config = (text: string) => [
  { kind: "make-directory", path: "/etc/mbctl", mode: 0o755 },
  { kind: "write-file", path: "/etc/mbctl/config.toml", text, mode: 0o644 },
];
const derive = [{ kind: "derive-host" }];

describe("planImport()", () => {
  test("takes the names of a host that is known, and leaves config.toml alone", () => {
    for (const trust of [false, true]) {
      expect(planImport(facts(known), document(), trust) as unknown).toEqual({
        name: "hostb",
        trust: "known",
        steps: [...names("hostb"), ...derive],
      });
    }
    const byPrefix = '[hosts]\nhostb = "300:67dc:7188:57b1::/64"\n';
    expect(planImport(facts(byPrefix), document(), false).trust).toBe("known");
  });

  test("calls a host what config.toml calls it", () => {
    expect(planImport(facts(known), document("else"), false).name).toBe("hostb");
    // Even one that has this host's name, or a machine's: the administrator has given it another.
    expect(planImport(facts(known), document("hosta"), false).name).toBe("hostb");
    expect(planImport(facts(known), document("db"), false).name).toBe("hostb");
  });

  test("lets no host take another's place, unless that one was asked", () => {
    const imported = (asked: string) =>
      planImport(facts(known), document("hostb", otherKey), true, asked);
    expect(() => imported("hostd")).toThrow(/^Cannot import from "hostd": it calls itself "hostb"/);
    expect(() => imported("192.0.2.7")).toThrow(MbctlError);
    for (const asked of ["hostb", "HostB.lan"]) expect(imported(asked).trust).toBe("replaced");
    expect(planImport(facts(""), document(), true, "192.0.2.7").trust).toBe("added");
  });

  test("adds a host with --trust, and replaces a key, keeping every comment", () => {
    expect(planImport(facts(""), document(), true) as unknown).toEqual({
      name: "hostb",
      trust: "added",
      steps: [...names("hostb"), ...config(`[hosts]\nhostb = "${key}"\n`), ...derive],
    });
    expect(planImport(facts(known), document("HostB", otherKey), true) as unknown).toEqual({
      name: "hostb",
      trust: "replaced",
      steps: [...names("hostb"), ...config(known.replace(key, otherKey)), ...derive],
    });
  });

  const refused: readonly (readonly [string, string, HostDocument, string, RegExp])[] = [
    ["an unknown host", known, document("hostd", otherKey), "conflict", /does not name it$/],
    ["a changed key", known, document("hostb", otherKey), "conflict", /IT HAS ANOTHER KEY/],
    [
      "another key of the same /64",
      '[hosts]\nhostb = "200:67dc:7188:57b1::9"\n',
      document(),
      "conflict",
      /IT HAS ANOTHER KEY/,
    ],
    ["this host's name", "", document("HostA"), "usage", /same name, and another key$/],
    ["a machine's name", "", document("DB"), "usage", /a machine of this host has the same name$/],
    [
      "a name of the internet",
      "",
      document("github.com"),
      "usage",
      /would have the names of others$/,
    ],
    ["a machine's long name", known, document("web.hostc", otherKey), "usage", /names of others$/],
    ["a name that is reserved", "", document("mesh"), "usage", /no name for a host$/],
    [
      "itself",
      known,
      { ...document(), prefix: parsePrefix("300:2e98:a4b0:1789::/64") },
      "usage",
      /it is this host$/,
    ],
  ];
  test.each(refused)("refuses %s", (_, text, document, kind, message) => {
    let error: unknown;
    try {
      // Trust is no help against a name that two would have.
      planImport(facts(text), document, kind === "usage");
    } catch (thrown) {
      error = thrown;
    }
    if (!(error instanceof MbctlError)) throw new Error(`no MbctlError: ${error}`);
    expect([error.kind, error.message]).toEqual([kind, expect.stringMatching(message)] as never);
  });
});
