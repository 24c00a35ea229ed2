/**
 * The keys of machine.toml, their types and what a person is told who gets one wrong. One place: reader and
 * README's table follow it.
 *
 * @module
 */

import * as v from "valibot";
import { isAppName } from "./app_name.ts";
import { isMachineName } from "./machine_name.ts";
import { healthActions } from "./health_check.ts";
import { machineModes } from "./machine_spec.ts";

/** The version of the file's schema; a reader refuses a later one. */
export const schemaVersion = 1;

const absolutePath = v.pipe(
  v.string(),
  v.regex(/^\//, "an absolute path"),
  // Joined to a folder of the machine's, it would lead out of it.
  v.check((path) => !path.split("/").includes(".."), 'a path without ".."'),
  // One spelling: "//machine.toml" is compared with names, too.
  v.transform(
    (path) =>
      `/${path
        .split("/")
        .filter((part) => part !== "" && part !== ".")
        .join("/")}`,
  ),
);
const words = v.array(v.string());
const name = v.pipe(v.string(), v.check(isMachineName, "the name of a machine"));
const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535));
const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const variable = v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "the name of a variable"));
const commandName = v.regex(/^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}$/, "the name of a command");
const mode = v.pipe(v.string(), v.regex(/^[0-7]{3,4}$/, 'a mode such as "0750"'));
const owner = v.pipe(v.string(), v.regex(/^\d{1,5}:\d{1,5}$/, 'an owner such as "1000:1000"'));
const capabilities = v.array(
  v.pipe(v.string(), v.regex(/^(CAP_)?[A-Z][A-Z0-9_]*$|^all$/i, "a capability (capabilities(7))")),
);

const kept = {
  read_only: v.optional(v.boolean()),
  owner: v.optional(owner),
  mode: v.optional(mode),
};
const volume = v.variant("kind", [
  v.strictObject({ path: absolutePath, kind: v.picklist(["config", "data"]), ...kept }),
  v.strictObject({ path: absolutePath, kind: v.literal("skip") }),
  v.strictObject({ path: absolutePath, kind: v.literal("host"), source: absolutePath, ...kept }),
  v.strictObject({
    path: absolutePath,
    kind: v.literal("tmpfs"),
    size: v.optional(v.string()),
    mode: v.optional(mode),
  }),
]);

const health = v.strictObject({
  enabled: v.optional(v.boolean()),
  command: v.optional(words),
  shell: v.optional(v.string()),
  http: v.optional(v.string()),
  tcp: v.optional(port),
  interval: v.optional(v.string()),
  timeout: v.optional(v.string()),
  start_period: v.optional(v.string()),
  retries: v.optional(count),
  on_failure: v.optional(v.picklist(healthActions)),
});

const limits = v.strictObject({
  memory: v.optional(v.string()),
  cpus: v.optional(v.pipe(v.number(), v.minValue(0.01), v.maxValue(8192))),
  tasks: v.optional(count),
  io_weight: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10000))),
  open_files: v.optional(count),
  disk: v.optional(v.string()),
});

/** valibot leaves such keys out of a record without a word. */
const unsafeKeys = ["__proto__", "prototype", "constructor"];
const isWhole = v.check(
  (table) =>
    typeof table !== "object" ||
    table === null ||
    !Object.keys(table).some((key) => unsafeKeys.includes(key)),
  'a table without the names "__proto__", "prototype" and "constructor"',
);
const texts = v.optional(v.pipe(v.unknown(), isWhole, v.record(v.string(), v.string())), {});

/** What is said of a program, be it a machine's own or one of its applications. */
const program = {
  entrypoint: v.optional(words),
  args: v.optional(words),
  user: v.optional(v.string()),
  workdir: v.optional(absolutePath),
  stop_signal: v.optional(v.string()),
  stop_timeout_sec: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(3600))),
  restart: v.optional(v.string()),
  read_only: v.optional(v.boolean(), false),
  image: v.union([
    v.string(),
    v.strictObject({
      reference: v.string(),
      digest: v.optional(v.string()),
      manifest_digest: v.optional(v.string()),
    }),
  ]),
  env: texts,
  lend: v.optional(
    v.pipe(
      v.unknown(),
      isWhole,
      v.record(v.pipe(v.string(), commandName), v.pipe(words, v.minLength(1))),
    ),
    {},
  ),
  limits: v.optional(limits, {}),
  capabilities: v.optional(
    v.strictObject({ add: v.optional(capabilities, []), drop: v.optional(capabilities, []) }),
    {},
  ),
  health: v.optional(health),
  volumes: v.optional(v.array(volume), []),
};

/** A table `[[apps]]`, as TOML has it. */
const app = v.strictObject({
  name: v.pipe(v.string(), v.check(isAppName, "the name of an application")),
  start: v.optional(v.boolean(), true),
  ...program,
});

/** A machine.toml, as TOML has it. */
export const machineSchema = v.strictObject({
  schema: v.literal(schemaVersion),
  name: v.optional(v.string()),
  mode: v.optional(v.picklist(machineModes), "direct"),
  template: v.optional(v.pipe(v.string(), v.nonEmpty())),
  boot: v.optional(v.boolean()),
  auto_upgrade: v.optional(v.boolean()),
  depends: v.optional(v.array(name), []),
  connectors: v.optional(v.array(name), []),
  allow: v.optional(words),
  expose: v.optional(words, []),
  publish: v.optional(words, []),
  relay6: v.optional(words, []),
  ipv4: v.optional(v.string()),
  labels: texts,
  ...program,
  os: v.optional(
    v.strictObject({
      mirror: v.optional(v.pipe(v.string(), v.regex(/^(https?|file|ftp):\/\/[^\s]+$/, "a URL"))),
      packages: v.optional(
        v.array(v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9+._:@-]*$/, "a package"))),
        [],
      ),
      user: v.optional(
        v.pipe(
          v.string(),
          v.regex(/^[a-z_][a-z0-9_-]{0,30}(:\d{1,5})?$/, 'a user such as "build:1000"'),
        ),
      ),
    }),
  ),
  apps: v.optional(v.array(app), []),
  devices: v.optional(
    v.array(
      v.strictObject({
        source: v.string(),
        target: v.optional(absolutePath),
        access: v.optional(v.string(), "rwm"),
        if_absent: v.optional(v.picklist(["fail", "skip"]), "fail"),
      }),
    ),
    [],
  ),
  secrets: v.optional(
    v.array(
      v.strictObject({
        name: v.string(),
        file_variable: v.optional(variable),
        variable: v.optional(variable),
        owner: v.optional(owner),
        mode: v.optional(mode),
      }),
    ),
    [],
  ),
});

export type MachineToml = v.InferOutput<typeof machineSchema>;
/** What both it and its applications say of a program. */
export type ProgramToml = Omit<MachineToml["apps"][number], "name" | "start">;
