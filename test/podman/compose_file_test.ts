/** Real compose files against golden files, and those that cannot be. */

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { convertServiceKeys } from "../../lib/podman/compose_service.ts";
import { type ComposeOptions, convertCompose } from "../../lib/podman/compose_file.ts";
import { formatRestartPolicy } from "../../lib/spec/restart_policy.ts";
import { expectGolden } from "../golden/golden.ts";
import { noFiles, renderAll, withFiles } from "./_tools.ts";

const folder = join(import.meta.dir, "compose");
const tools = withFiles({
  "/home/me/db.env": "POSTGRES_PASSWORD='s3cret # $x'\nPOSTGRES_DB=${DB:-nextcloud} # a comment\n",
  "/home/me/.env": "DB_PASSWORD=postgres\nUPLOAD_LOCATION=./library\nTZ=Europe/Berlin\n",
  "/home/me/raw.env": "RAW='kept quotes'\nFROM_CALLER\n",
  "/home/me/labels": "from.file=yes\n",
});
const options: ComposeOptions = {
  variables: new Map([
    ["UPLOAD_LOCATION", "./library"],
    ["DB_DATA_LOCATION", "/srv/postgres"],
    ["DB_PASSWORD", "postgres"],
  ]),
  profiles: [],
  tools,
};

test.each(readdirSync(folder))("convertCompose() converts %s", (file) => {
  const text = readFileSync(join(folder, file), "utf8");
  expectGolden(`podman/compose_${file}.txt`, renderAll(convertCompose(text, file, options)));
});

test("convertCompose() takes services of a profile that is asked for", () => {
  const text = readFileSync(join(folder, "immich.yaml"), "utf8");
  const names = (profiles: string[]) =>
    convertCompose(text, "x", { ...options, profiles }).machines.map(({ name }) => String(name));
  expect(names([])).toEqual(["immich-server", "redis", "database"]);
  expect(names(["ml"])).toEqual(["immich-server", "machine-learning", "redis", "database"]);
});

test("a raw env file is kept as it is, others are read as compose does", () => {
  const env = (format: string) => {
    const file = `{path: raw.env${format}}`;
    const text = `services: {a: {image: x, env_file: [${file}], environment: {FROM_CALLER: mine}}}`;
    return Object.fromEntries(convertCompose(text, "x", options).machines[0]?.environment ?? []);
  };
  expect(env("")).toEqual({ RAW: "kept quotes", FROM_CALLER: "mine" });
  expect(env(", format: raw")).toEqual({ RAW: "'kept quotes'", FROM_CALLER: "mine" });
});

describe("convertCompose() refuses", () => {
  const service = (rest: string) => `services:\n  web:\n    image: nginx\n    ${rest}\n`;
  const bad: readonly (readonly [text: string, message: string, hint?: string])[] = [
    ["", "it has no services"],
    ["- a", "the document is not a table"],
    ["services: []", "services is not a table"],
    ["service: {}", 'it has an unknown key "service"', 'did you mean "services"?'],
    ["services: {a: nginx}", "services.a is not a table"],
    [
      service("enviroment: {A: b}"),
      'services.web has an unknown key "enviroment"',
      'did you mean "environment"?',
    ],
    [service("ports: 80"), "services.web.ports is not a list"],
    [service("ports: [[80]]"), "services.web.ports[0] is not a table"],
    [
      service("ports: [{target: 80, publishd: 80}]"),
      "services.web.ports[0].publishd is not a key that is known there",
    ],
    [service("ports: ['x:80']"), 'services.web.ports: Cannot publish "x:80"'],
    [service("mem_limit: lots"), 'services.web.mem_limit: Cannot read the size "lots"'],
    [service("environment: {A: [b]}"), "services.web.environment.A is not a text"],
    [service("privileged: perhaps"), "services.web.privileged is not true or false"],
    [
      service("depends_on: [wbe]"),
      'services.web.depends_on.wbe: there is no service "wbe"',
      'did you mean "web"?',
    ],
    [
      service("healthcheck: {tests: x}"),
      "services.web.healthcheck.tests is not a key of a health check",
    ],
    [
      service("healthcheck: {interval: x}"),
      'services.web.healthcheck.interval: Cannot read the duration "x"',
    ],
    [
      service("restart: sometimes"),
      'services.web.restart: Cannot read the restart policy "sometimes"',
    ],
    [service("volumes: ['a b:/c']"), "services.web.volumes: Cannot use the volume"],
    [service("volumes: [{type: bind, target: /c}]"), "services.web.volumes: Cannot use the volume"],
    [
      service("volumes: [{type: bind, source: '/a,b', target: /c}]"),
      "services.web.volumes[0] is not a volume without commas",
    ],
    [
      service("command: a && b"),
      "services.web: Cannot read the command, line 1, column 3: & is for a shell",
    ],
    [
      service("command: '${A:?say}'"),
      "line 4, column 14: Cannot put variables in: A is demanded (say)",
    ],
    [
      service("command: a $ b"),
      "line 4, column 14: Cannot put variables in: a dollar stands alone",
    ],
    [service("secrets: [{source: a, evn: b}]"), 'there is no option "evn"'],
    [service("stop_grace_period: soon"), 'services.web: Cannot read the duration "soon"'],
    ["services: {a: {image: Nginx}}", "services.a.image: Cannot parse image reference"],
    ["services: {a_b: {image: x}, a-b: {image: x}}", 'two containers would be the machine "a-b"'],
    ["services: {_: {image: x}}", "Cannot make a machine name"],
  ];
  const rows = bad.map(([text, message, hint]) => ({ text, message, hint }));
  test.each(rows)("$text", ({ text, message, hint }) => {
    const refusal = () =>
      convertCompose(text, "compose.yaml", { ...options, variables: new Map(), tools: noFiles });
    expect(refusal).toThrow(message);
    if (hint !== undefined) expect(refusal).toThrow(expect.objectContaining({ hint }));
  });
});

test.each([
  ["{}", "always", []],
  ["{condition: any}", "always", []],
  ["{condition: none}", "no", []],
  ["{condition: on-failure}", "on-failure", []],
  ["{condition: on-failure, max_attempts: 3}", "on-failure:3", []],
  ["{condition: any, max_attempts: 3}", "always", ["deploy.restart_policy.max_attempts: 3"]],
  ["{window: 5s}", "always", ["deploy.restart_policy.window: 5s"]],
])("deploy.restart_policy: %s is %s", (policy, restart, lost) => {
  const text = `services: {a: {image: x, deploy: {restart_policy: ${policy}}}}`;
  const { machines, remarks } = convertCompose(text, "x", options);
  const unsupported = remarks.filter(({ kind }) => kind === "unsupported");
  expect([
    machines.map((spec) => formatRestartPolicy(spec.restart)),
    unsupported.map(({ option }) => option),
  ]).toEqual([[restart], lost]);
});

test("an error says which variables had no value", () => {
  const text = "services: {a: {image: x, mem_limit: '${MEM}'}}";
  expect(() => convertCompose(text, "x", options)).toThrow(
    expect.objectContaining({
      hint: "MEM has no value: write MEM=VALUE into a file, and give it: --env-file FILE",
    }),
  );
});

test("a variable that nothing needs is listed", () => {
  const text = "services: {a: {image: x, labels: {b: '${NOTHING}'}}}";
  expect(convertCompose(text, "x", options).remarks).toMatchObject([
    { machine: undefined, kind: "unsupported", option: "${NOTHING}" },
  ]);
});

test("each error of a key names the file", () => {
  expect(() => convertCompose("services: {a: {image: x, cpus: y}}", "stack.yaml", options)).toThrow(
    'Cannot convert "stack.yaml": services.a.cpus: Cannot read "y": it is no number',
  );
});

test("keys that begin with x- are nobody's", () => {
  const service = { name: "a" } as never;
  expect(() =>
    convertServiceKeys(service, { "x-own": "1" }, { file: "f", path: "services.a" }),
  ).not.toThrow();
});
