/**
 * Verbs that do nothing but say what they were given; they cover each kind of
 * operand, flag and failure.
 *
 * @module
 */

import type { VerbTable } from "../../lib/cli/dispatch.ts";
import { renderTable } from "../../lib/cli/table.ts";
import { defineVerb } from "../../lib/cli/verb.ts";
import { MbctlError } from "../../lib/errors.ts";

const pull = defineVerb({
  name: "machines pull",
  summary: "make a machine of an image",
  description:
    "Fetches the image, unpacks it and writes the machine's configuration. Nothing is changed if anything of that name exists.\n\nVolumes that the image declares are asked for on a terminal.",
  changes: true,
  progress: true,
  operands: {
    image: { kind: "image", help: "reference of the image" },
    newName: {
      kind: "text",
      help: "name of the machine, which must be unused",
    },
  },
  flags: {
    template: {
      type: "choice",
      choices: ["network_isolated", "host_network"],
      value: "NAME",
      default: "network_isolated",
      help: "the kind of network that the machine gets",
    },
    network: {
      type: "string",
      value: "NAME",
      kind: "template",
      suggestions: ["bridge"],
      help: "a network",
    },
    mount: {
      type: "string",
      repeat: true,
      value: "PATH=TARGET",
      help: "where a volume goes",
    },
    tlsVerify: { type: "boolean", tristate: true, help: "check certificates" },
    start: { type: "boolean", help: "start it afterwards" },
  },
  examples: [
    {
      command: "mbctl machines pull docker.io/registry:latest Man8Registry",
      says: "a registry",
    },
  ],
  run({ out, log, dryRun, yes, root }, args) {
    log.info("pulling");
    log.command("skopeo copy docker://x oci:y");
    out.answer({}, () => `${JSON.stringify({ ...args, dryRun, yes, root })}\n`);
    return undefined;
  },
});

const list = defineVerb({
  name: "machines list",
  summary: "list the machines",
  reads: true,
  examples: [{ command: "mbctl machines list --json", says: "for a script" }],
  run({ out }) {
    const machines = [
      { name: "Man8Registry", state: "running" },
      {
        name: "evil\u001b]0;title\u0007\u009b31m\nsecond\u202eline",
        state: "",
      },
    ];
    out.answer({ machines }, () =>
      renderTable(
        ["NAME", "STATE"],
        machines.map(({ name, state }) => [name, state]),
      ),
    );
    return undefined;
  },
});

const logs = defineVerb({
  name: "machines logs",
  summary: "show the journal of a machine",
  reads: true,
  operands: { name: { kind: "machine", help: "the machine" } },
  flags: {
    follow: { type: "boolean", short: "f", help: "wait for new lines" },
    lines: {
      type: "integer",
      short: "n",
      value: "N",
      min: 0,
      max: 1000,
      help: "how many",
    },
  },
  examples: [{ command: "mbctl machines logs web -n 5", says: "the last five lines" }],
  run({ out, json }, args) {
    out.print(JSON.stringify({ ...args, json }));
    return undefined;
  },
});

const start = defineVerb({
  name: "machines start",
  summary: "start machines",
  changes: true,
  operands: {
    names: {
      kind: "machine",
      repeat: true,
      label: "NAME",
      help: "the machines",
    },
  },
  examples: [{ command: "mbctl machines start web db", says: "two machines" }],
  run({ out }, { names }) {
    out.print(names.join(","));
    return undefined;
  },
});

const shell = defineVerb({
  name: "machines shell",
  summary: "run a command in a machine",
  operands: { name: { kind: "machine", help: "the machine" } },
  flags: { networkOnly: { type: "boolean", help: "a program of the host's" } },
  tail: { command: { help: "what to run; the image's shell by default" } },
  examples: [{ command: "mbctl machines shell web -- ps", says: "one command" }],
  run({ out }, args) {
    out.print(JSON.stringify(args));
    return args.command[0] === "false" ? 1 : undefined;
  },
});

const failures: Readonly<Record<string, () => Error>> = {
  failed: () => new MbctlError("failed", 'Cannot write "/x": the disk is full'),
  usage: () =>
    new MbctlError("usage", 'Cannot parse "y": it is empty', {
      hint: "mbctl --help",
    }),
  host: () =>
    new MbctlError("host", "Cannot run skopeo: it is missing", {
      hint: "apt install skopeo",
    }),
  conflict: () => new MbctlError("conflict", 'Cannot pull "web": the name is in use'),
  tool: () =>
    new MbctlError("tool", 'Cannot fetch "r/x": skopeo failed', {
      cause: new MbctlError("failed", "exit 1\nunauthorized\u001b[2J", {
        cause: new Error("no route"),
      }),
    }),
  interrupted: () => new MbctlError("interrupted", "Stopped by SIGINT"),
  bug: () =>
    new TypeError("undefined is not a function", {
      cause: new Error("deeper"),
    }),
};

const fail = defineVerb({
  name: "fail",
  summary: "fail in one of many ways",
  operands: {
    kind: {
      kind: "choice",
      choices: Object.keys(failures),
      help: "in which way",
    },
  },
  examples: [{ command: "mbctl fail bug", says: "as a bug" }],
  run(_context, { kind }) {
    throw failures[kind]?.();
  },
});

const ask = defineVerb({
  name: "ask",
  summary: "ask something",
  changes: true,
  operands: { file: { kind: "file", optional: true, help: "nothing" } },
  flags: {
    into: { type: "string", value: "DIR", kind: "directory", help: "nothing" },
  },
  examples: [{ command: "mbctl ask", says: "one question" }],
  async run({ out, prompt }) {
    out.print(String(await prompt.confirm({ message: 'Remove "web"?', flag: "--yes" })));
    return undefined;
  },
});

const load = (verb: typeof pull) => () => Promise.resolve({ default: verb });

export const fixtureTable: VerbTable = {
  "machines pull": load(pull),
  "machines list": load(list),
  "machines logs": load(logs),
  "machines start": load(start),
  "machines shell": load(shell),
  fail: load(fail),
  ask: load(ask),
};
