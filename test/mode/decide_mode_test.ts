import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import fc from "fast-check";
import { type ImageConfig, parseImageConfig } from "../../lib/image/config.ts";
import {
  decideMode,
  type ModeReason,
  namedProgram,
  needsTreeFacts,
} from "../../lib/mode/decide_mode.ts";
import type { TreeFacts } from "../../lib/mode/tree_facts.ts";
import { expectGolden } from "../golden/golden.ts";

const debian: TreeFacts = { system: "Debian GNU/Linux 12 (bookworm)", packageManagers: ["apt"] };
const ubuntu: TreeFacts = { system: "Ubuntu 24.04.3 LTS", packageManagers: ["apt"] };
const fedora: TreeFacts = { system: "Fedora Linux 43 (Container Image)", packageManagers: ["dnf"] };
const arch: TreeFacts = { system: "Arch Linux", packageManagers: ["pacman"] };
const suse: TreeFacts = { system: "openSUSE Tumbleweed", packageManagers: ["zypper"] };
const alpine: TreeFacts = { system: "Alpine Linux v3.22", packageManagers: ["apk"] };
const voidLinux: TreeFacts = { system: "Void Linux", packageManagers: ["xbps"] };
const buildroot: TreeFacts = { system: "Buildroot 2025.02", packageManagers: [] };
const busybox: TreeFacts = { system: undefined, packageManagers: [] };
/** It must not matter. */
const any = debian;

type Row = readonly [name: string, facts: TreeFacts, mode: "direct" | "base", because: ModeReason];

/** Images as recorded, beside the project; what is in their layers as it was seen. */
const recorded: readonly Row[] = [
  ["adminer", any, "direct", "program"],
  ["alpine", alpine, "direct", "no package manager"],
  ["bash", alpine, "direct", "program"],
  ["busybox", busybox, "direct", "no system"],
  ["chronograf", any, "direct", "program"],
  ["clickhouse", any, "direct", "program"],
  ["couchdb", any, "direct", "program"],
  ["debian", debian, "base", "system"],
  ["drupal", any, "direct", "program"],
  ["fedora", fedora, "base", "system"],
  ["httpd", any, "direct", "program"],
  ["influxdb", any, "direct", "program"],
  ["kibana", any, "direct", "program"],
  ["kong", any, "direct", "program"],
  ["matomo", any, "direct", "program"],
  ["memcached", any, "direct", "program"],
  ["mysql", any, "direct", "program"],
  ["nats", any, "direct", "program"],
  ["neo4j", any, "direct", "program"],
  ["nginx", any, "direct", "program"],
  ["node", any, "direct", "program"],
  ["odoo", any, "direct", "program"],
  ["php", any, "direct", "program"],
  ["python", any, "direct", "program"],
  ["rabbitmq", any, "direct", "program"],
  ["redis", any, "direct", "program"],
  ["redmine", any, "direct", "program"],
  ["registry", any, "direct", "program"],
  ["rocket.chat", any, "direct", "program"],
  ["solr", any, "direct", "program"],
  ["sonarqube", any, "direct", "program"],
  ["tomcat", any, "direct", "program"],
  ["traefik", any, "direct", "program"],
  ["ubuntu", ubuntu, "base", "system"],
  ["varnish", any, "direct", "program"],
  ["wordpress", any, "direct", "program"],
  ["zookeeper", any, "direct", "program"],
];

interface Run {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly ExposedPorts?: Readonly<Record<string, object>>;
}

/** What others put into their images; the name is the image that does so. */
const written: readonly (readonly [
  string,
  Run,
  ...(readonly [TreeFacts, "direct" | "base", ModeReason]),
])[] = [
  ["archlinux", { Cmd: ["/usr/bin/bash"] }, arch, "base", "system"],
  ["opensuse/tumbleweed", { Cmd: ["/bin/bash"] }, suse, "base", "system"],
  ["a shell that logs in", { Cmd: ["bash", "-l"] }, debian, "base", "system"],
  ["a shell for a person, who logs in", { Cmd: ["sh", "-li"] }, debian, "base", "system"],
  ["a shell with a script", { Cmd: ["/bin/sh", "-c", "exec app"] }, any, "direct", "program"],
  ["a shell with a file", { Cmd: ["bash", "/start.sh"] }, any, "direct", "program"],
  ["a shell as entrypoint", { Entrypoint: ["/bin/bash"] }, any, "direct", "program"],
  [
    "a shell, and a port",
    { Cmd: ["bash"], ExposedPorts: { "22/tcp": {} } },
    any,
    "direct",
    "ports",
  ],
  ["a system without a command", {}, debian, "base", "system"],
  [
    "distroless/static",
    {},
    { system: "Distroless", packageManagers: [] },
    "direct",
    "no package manager",
  ],
  ["voidlinux", { Cmd: ["/bin/sh"] }, voidLinux, "direct", "no package manager"],
  ["buildroot", { Cmd: ["sh"] }, buildroot, "direct", "no package manager"],
  ["ubi9/ubi-init", { Cmd: ["/sbin/init"] }, any, "base", "init"],
  ["centos/systemd", { Cmd: ["/usr/sbin/init"] }, any, "base", "init"],
  ["jrei/systemd-debian", { Cmd: ["/lib/systemd/systemd"] }, any, "base", "init"],
  [
    "kindest/base",
    { Entrypoint: ["/usr/lib/systemd/systemd", "--log-target=journal"] },
    any,
    "base",
    "init",
  ],
  [
    "an init with ports",
    { Entrypoint: ["/sbin/init"], ExposedPorts: { "80/tcp": {} } },
    any,
    "base",
    "init",
  ],
  ["found by PATH", { Cmd: ["init"] }, any, "base", "init"],
  ["linuxserver/nginx (s6-overlay)", { Entrypoint: ["/init"] }, any, "direct", "program"],
  ["phusion/baseimage", { Cmd: ["/sbin/my_init"] }, any, "direct", "program"],
  ["tini before an init", { Entrypoint: ["/tini", "--", "/sbin/init"] }, any, "direct", "program"],
  ["dumb-init", { Entrypoint: ["/usr/bin/dumb-init"], Cmd: ["bash"] }, any, "direct", "program"],
  ["a name that only ends so", { Cmd: ["/opt/app/init"] }, any, "direct", "program"],
];

const folder = new URL("../../../shared/image-configs/", import.meta.url);

function configOf(run: Run): ImageConfig {
  return parseImageConfig({ os: "linux", architecture: "amd64", config: run });
}

describe("decideMode()", () => {
  test.skipIf(!existsSync(folder)).each(recorded)("%s", async (name, facts, mode, because) => {
    const config = parseImageConfig(await Bun.file(new URL(`${name}.json`, folder)).json());
    expect(decideMode(config, facts)).toMatchObject({ mode, because });
  });

  test.each(written)("%s", (_, run, facts, mode, because) => {
    expect(decideMode(configOf(run), facts)).toMatchObject({ mode, because });
  });

  test("asks for the layers where only they can tell, and nowhere else", () => {
    for (const [, run, , , because] of written) {
      const decided = decideMode(configOf(run), undefined);
      const isOpen = ["system", "no system", "no package manager"].includes(because);
      expect(needsTreeFacts(configOf(run))).toBe(isOpen);
      expect(decided.mode === undefined).toBe(isOpen);
      if (!isOpen) expect(decided.because).toBe(because);
    }
  });

  test("never boots an image that has an entrypoint which is no init, nor one with a port", () => {
    const word = fc.oneof(
      fc.string({ minLength: 1 }),
      fc.constantFrom("/init", "bash", "/bin/sh", "tini"),
    );
    fc.assert(
      fc.property(fc.array(word), fc.array(word), fc.boolean(), (entrypoint, cmd, hasPort) => {
        const [program = ""] = [...entrypoint, ...cmd];
        fc.pre(entrypoint.length > 0 || hasPort);
        fc.pre(!/(^|\/)(init|systemd)$/.test(program) || program === "/init");
        const ExposedPorts = hasPort ? { "80/tcp": {} } : {};
        const config = configOf({ Entrypoint: entrypoint, Cmd: cmd, ExposedPorts });
        expect(decideMode(config, debian).mode).toBe("direct");
      }),
    );
  });

  test("says why, in words for people", () => {
    const decisions = [
      ...written.map(([name, run, facts]) => [name, decideMode(configOf(run), facts)] as const),
      ["debian, its layers not read", decideMode(configOf({ Cmd: ["bash"] }), undefined)] as const,
      ["alpine", decideMode(configOf({ Cmd: ["/bin/sh"] }), alpine)] as const,
      ["busybox", decideMode(configOf({ Cmd: ["sh"] }), busybox)] as const,
      ["any image, with words behind --", namedProgram] as const,
    ];
    const lines = decisions.map(
      ([name, { mode, reason }]) => `${name}\n  mode ${mode}: ${reason}\n`,
    );
    expectGolden("mode/reasons.txt", lines.join(""));
  });
});
