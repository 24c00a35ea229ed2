/** Units and files of whole applications, against test/golden/apps. */

import { describe, expect, test } from "bun:test";
import { renderApp } from "../../lib/apps/app_files.ts";
import { boundedCapabilities } from "../../lib/apps/sandbox.ts";
import { parseImageConfigText } from "../../lib/image/config.ts";
import { parseSignal } from "../../lib/signal.ts";
import { parseAppName } from "../../lib/spec/app_name.ts";
import type { AppSpec } from "../../lib/spec/app_spec.ts";
import { expectGolden } from "../golden/golden.ts";
import { app, noFiles } from "./_app.ts";

const files = {
  passwd: "root:x:0:0::/root:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\n",
  group: "postgres:x:999:\nssl-cert:x:103:postgres\n",
};

const cases: Record<string, { app: AppSpec; config: object }> = {
  /** All defaults. */
  web: {
    app,
    config: {
      Entrypoint: ["/docker-entrypoint.sh"],
      Cmd: ["nginx", "-g", "daemon off;"],
      StopSignal: "SIGQUIT",
      Env: ["PATH=/usr/sbin:/usr/bin", "NGINX_VERSION=1.29"],
    },
  },
  /** All choices. */
  db: {
    app: {
      ...app,
      name: parseAppName("db"),
      image: { ...app.image, reference: "localhost:5000/postgres:17" },
      environment: [["POSTGRES_PASSWORD", 'pa$$ %n "quoted" \\ `id`\nline']],
      args: ["postgres", "-c", "log_line_prefix=%m [%p] $", "", "a\tb\nc", 'it\'s "x"\\'],
      user: "postgres",
      workingDirectory: "/srv/100% a",
      stopSignal: parseSignal("SIGINT"),
      stopTimeoutSec: 60,
      restart: { when: "on-failure", retries: 3 },
      health: {
        probe: { kind: "shell", line: 'pg_isready -U "$PGUSER" || exit 1' },
        intervalMs: 5000,
        timeoutMs: 3000,
        startPeriodMs: 20_000,
        retries: 5,
        onFailure: "restart",
      },
      limits: { memory: 2 ** 30, cpus: 1.5, tasks: 100, ioWeight: 50, openFiles: 4096 },
      capabilities: { add: ["SYS_NICE"], drop: ["CHOWN", "SETFCAP"] },
      isReadOnly: true,
      volumes: [
        { path: "/var/lib/postgresql/data", kind: "data" },
        { path: "/var/lib/postgresql/data/inner", kind: "data" },
        { path: "/etc/post gres", kind: "config", isReadOnly: true },
        { path: "/backup", kind: "host", source: "/srv/backup" },
        { path: "/cache", kind: "tmpfs", sizeBytes: 2 ** 20 },
        { path: "/skipped", kind: "skip" },
      ],
      lend: { psql: ["/usr/bin/psql"] },
    },
    config: { Entrypoint: ["docker-entrypoint.sh"], Cmd: ["postgres"] },
  },
  /** A check of a port, and no program that is started. */
  port: {
    app: {
      ...app,
      name: parseAppName("port"),
      health: { probe: { kind: "http", port: 8080, path: "/it's %ok?x=$1" } },
      restart: { when: "no" },
    },
    config: { Entrypoint: ["/serve"], User: "7:8" },
  },
  lent: {
    app: { ...app, name: parseAppName("lent"), isStarted: false },
    config: {
      Entrypoint: ["psql"],
      StopSignal: "SIGQUIT",
      Healthcheck: { Test: ["CMD", "true"] },
    },
  },
};

describe("renderApp()", () => {
  test.each(Object.keys(cases))("of %s", (name) => {
    const found = cases[name];
    if (found === undefined) throw new Error(`no case ${name}`);
    const imageText = JSON.stringify({ architecture: "amd64", os: "linux", config: found.config });
    const image = parseImageConfigText(imageText);
    const rendered = renderApp(found.app, image, imageText, { ...files, isProgram: () => true });
    const shown = [...rendered.metadata, ...rendered.units]
      .filter((file) => file.name !== "check" && file.name !== "image.json")
      .map((file) => `==> ${file.name} (${file.mode.toString(8)}) <==\n${file.text}`);
    expectGolden(`apps/${name}.txt`, shown.join("\n"));
  });

  test("what only a person may read is not for others", () => {
    const modes = renderAll().metadata.map(({ name, mode }) => [name, mode.toString(8)]);
    expect(Object.fromEntries(modes)).toEqual({
      env: "600",
      "image.json": "600",
      "app.toml": "600",
      check: "755",
    });
  });
});

function renderAll() {
  const imageText = JSON.stringify({ architecture: "amd64", os: "linux", config: { Cmd: ["x"] } });
  const image = parseImageConfigText(imageText);
  return renderApp(app, image, imageText, { ...noFiles, isProgram: () => true });
}

test.each([
  [
    [],
    [],
    "CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT SETFCAP",
  ],
  [["NET_ADMIN"], ["ALL"], "NET_ADMIN"],
  [
    ["NET_RAW"],
    ["CHOWN", "SETUID"],
    "DAC_OVERRIDE FOWNER FSETID KILL SETGID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT SETFCAP",
  ],
  [[], ["ALL"], ""],
])("boundedCapabilities() with %j and without %j", (add, drop, expected) => {
  expect(boundedCapabilities({ add, drop }).join(" ")).toBe(expected);
});
