/** Bad words on the command line and bad settings: nothing is fetched, nothing changes. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { canPull, OuterHost, outcomeText } from "./_outer_host.ts";

const nameHint = 'use letters, digits, "-" and ".", as in "web-1"';
const names: readonly (readonly [name: string, state: string])[] = [
  ["", "it is empty"],
  ["x".repeat(65), "it has 65 characters, more than 64"],
  ["a_b", '"_" is not allowed in it'],
  ["a/b", '"/" is not allowed in it'],
  ["..", 'a "." stands at its beginning, at its end or beside another'],
  [".a", 'a "." stands at its beginning, at its end or beside another'],
  ["a.", 'a "." stands at its beginning, at its end or beside another'],
  ["a.-a", 'a "-" stands at the beginning of a part'],
  ["a-", 'a "-" stands at the end of a part'],
  ["ä", '"ä" is not allowed in it'],
  ["a b", '" " is not allowed in it'],
  ["a\nb", '"\\n" is not allowed in it'],
  ["a\x1bb", '"\\u001b" is not allowed in it'],
];

const registryHint =
  "write it as [REGISTRY/]REPOSITORY[:TAG][@sha256:…], as in docker.io/library/nginx:latest";
const pathHint =
  "write it as oci:PATH[:NAME], oci-archive:PATH[:NAME], docker-archive:PATH[:NAME] or dir:PATH";
const references: readonly (readonly [reference: string, state: string, hint: string])[] = [
  ["", "it is empty", registryHint],
  ["x:", "the tag is empty", registryHint],
  [":x", "the repository is empty", registryHint],
  ["a//b", 'the repository has an empty part beside a "/"', registryHint],
  ["a:b:c", "it has two tags", registryHint],
  ["x@sha256:12", "the digest has 2 hexadecimal digits, not 64", registryHint],
  [
    "http://x/y",
    '"http://" is no image source',
    "leave the scheme out; for a registry without TLS add --tls-verify=false",
  ],
  ["oci:", "the path is empty", pathHint],
  ["dir:", "the path is empty", pathHint],
];

const mountHint = "write --mount /path/in/the/machine=config|data|skip|/path/on/the/host";
const mounts: readonly (readonly [mounts: readonly string[], state: string, hint: string])[] = [
  [["/conf"], '"/conf": it has no "="', mountHint],
  [["conf=data"], '"conf=data": the path in the machine is not absolute', mountHint],
  [
    ["/conf=some/path"],
    '"/conf=some/path": "some/path" is neither config, data, skip nor an absolute path',
    mountHint,
  ],
  [
    ["/conf=./x"],
    '"/conf=./x": "./x" is neither config, data, skip nor an absolute path',
    mountHint,
  ],
  [["/conf="], '"/conf=": "" is neither config, data, skip nor an absolute path', mountHint],
  [["/conf=/"], '"/conf=/": the host\'s whole file system cannot be a volume', mountHint],
  [
    ["/conf=/var/lib/machines/x"],
    '"/conf=/var/lib/machines/x": that folder is mbctl\'s own; use config or data',
    mountHint,
  ],
];

const volumes: readonly (readonly [flags: readonly string[], state: string, hint: string])[] = [
  [
    ["--mount=/nope=skip"],
    "skip the volume /nope: the image declares no such volume",
    "the image declares /conf, /data, /empty, /full, /missing",
  ],
  [
    ["--mount=/conf=data", "--volume=/conf"],
    "use the volume /conf: it is given twice",
    "leave one of them out",
  ],
];

const keysHint = "mend the file; its keys are in the README";
const configs: readonly (readonly [text: string, state: string, hint: string])[] = [
  [
    "= x",
    "line 1, column 1: Invalid TOML document: unexpected end of key",
    "mend the file; the README and docs/machines.md have its format",
  ],
  ["prefix = 5", "line 1: prefix: expected string but received 5", keysHint],
  ["prefx = ''", 'line 1: unknown key "prefx", did you mean "prefix"?', keysHint],
  ["bridge = ''", 'line 1: bridge: "" is not an interface name of 1 to 15 characters', keysHint],
  [
    "prefix = 'zz::/64'",
    'prefix: Cannot parse IPv6 address "zz::": the group "zz" is no number of 1 to 4 hexadecimal digits',
    keysHint,
  ],
];

describe.skipIf(!canPull)("mbctl refuses", () => {
  let host: OuterHost;
  beforeAll(async () => {
    host = await OuterHost.create();
  });
  afterAll(() => host?.[Symbol.dispose]());

  async function refused(
    words: readonly string[],
    expected: string,
    wrapper: readonly string[] = [],
  ): Promise<void> {
    const before = host.snapshot();
    const outcome = await host.run(words, wrapper);
    expect(outcomeText(host, outcome)).toBe(expected);
    expect(host.snapshot()).toEqual(before);
  }
  const pull = (name: string, ...flags: string[]) => [
    "machines",
    "pull",
    ...flags,
    host.image,
    name,
  ];

  test.each(names)("the machine name %j", async (name, state) => {
    const text = JSON.stringify(name);
    await refused(
      pull(name),
      `exit 2\nmbctl: Cannot use ${text} as a machine name: ${state}\nhint: ${nameHint}\n`,
    );
  });

  test.each(references)("the image reference %j", async (reference, state, hint) => {
    const words = ["machines", "pull", reference, "web"];
    await refused(
      words,
      `exit 2\nmbctl: Cannot parse image reference "${reference}": ${state}\nhint: ${hint}\n`,
    );
  });

  test.each(volumes)("the volumes %j", async (flags, state, hint) => {
    const note =
      flags.length < 2
        ? ""
        : '--volume /conf: a volume without a name becomes kind = "data", and begins with what the image holds there\n';
    await refused(pull("web", ...flags), `exit 2\n${note}mbctl: Cannot ${state}\nhint: ${hint}\n`);
  });

  test.each(mounts)("the mounts %j", async (given, state, hint) => {
    const flags = given.map((mount) => `--mount=${mount}`);
    await refused(
      pull("web", ...flags),
      `exit 2\nmbctl: Cannot use --mount ${state}\nhint: ${hint}\n`,
    );
  });

  test("a volume without a choice where nobody can be asked", async () => {
    await refused(
      pull("web"),
      "exit 2\nmbctl: Cannot ask without a terminal: The image keeps data in /conf. Where is it to be kept?\nhint: answer with --mount /conf=config|data|skip|/path/on/the/host\n",
    );
  });

  test.each(["file", "link"])("a %s as a folder of the administrator's own", async (kind) => {
    if (kind === "file") writeFileSync(host.own(kind), "");
    else symlinkSync("/etc", host.own(kind));
    const flags = [
      "/conf=skip",
      "/missing=skip",
      "/full=skip",
      "/empty=skip",
      `/data=${host.own(kind)}`,
    ];
    await refused(
      pull("web", ...flags.map((mount) => `--mount=${mount}`)),
      `exit 2\nmode direct: an image with a program of its own, /app\nmbctl: Cannot use "DIR/state/own/${kind}" as a volume: it is no directory\nhint: name a directory of its own, without symbolic links\n`,
    );
    host.resetOwn();
  });

  test("variables without a name or value", async () => {
    await refused(
      pull("web", "--env=x"),
      'exit 2\nmbctl: Cannot set the environment variable "x": it has no "="\nhint: write NAME=VALUE\n',
    );
  });

  test.each(configs)("the settings %j", async (text, state, hint) => {
    writeFileSync(join(host.root, "etc/mbctl/config.toml"), `${text}\n`);
    const message = `mbctl: Cannot read "DIR/state/root/etc/mbctl/config.toml": ${state}\nhint: ${hint}\n`;
    await refused(host.pullWords, `exit 2\n${message}`);
    await refused(["machines", "list"], `exit 2\n${message}`);
    host.reset();
  });

  const noTrees: readonly (readonly [path: string, state: string])[] = [
    ["/nowhere", "there is no such directory"],
    ["/etc/passwd", "it is no directory"],
    ["/", "it is the root of this host"],
    ["DIR/state/own/full", "it has none of /usr, /bin, /etc, /lib, /sbin"],
  ];
  test.each(noTrees)("%j as a root tree", async (path, state) => {
    await refused(
      ["oci", "man8init", path.replace("DIR", host.dir)],
      `exit 2\nmbctl: Cannot use "${path}" as a root tree: ${state}\nhint: mbctl oci download IMAGE PATH makes one\n`,
    );
  });

  test.each(["remove", "start", "stop", "show", "enable"])(
    "to %s a machine that is not there",
    async (verb) => {
      await refused(
        ["machines", verb, "nope"],
        'exit 2\nmbctl: Cannot find the machine "nope": there is no such machine\nhint: mbctl machines pull IMAGE NAME makes one\n',
      );
    },
  );

  test("to give a machine the name that it has", async () => {
    await refused(
      ["machines", "rename", "web", "web"],
      'exit 2\nmbctl: Cannot rename "web": it has that name\nhint: choose another name\n',
    );
  });

  test("to start what is applied, below a root where nothing runs", async () => {
    const file = join(host.dir, "web.toml");
    writeFileSync(file, `schema = 1\nimage = "${host.image}"\n`);
    await refused(
      ["machines", "apply", file, "--start"],
      "exit 3\nmbctl: Cannot start machines below DIR/state/root: no systemd runs there\nhint: leave out --root\n",
    );
  });

  test("to work for anybody but root", async () => {
    expect((await host.run(host.pullWords)).exitCode).toBe(0);
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    const root = (what: string) =>
      `exit 3\nmbctl: Cannot ${what}: that takes root\nhint: run the command again with sudo\n`;
    const denied = (path: string) =>
      `exit 3\nmbctl: Cannot read "DIR/state/root/var/lib/man8machine_configs${path}": permission is denied\nhint: run the command again with sudo\n`;
    await refused(host.pullWords, root("make machines"), nobody);
    await refused(["machines", "remove", "web", "--yes"], root("remove machines"), nobody);
    await refused(["oci", "man8init", host.root], root("install man8s-init"), nobody);
    await refused(["oci", "download", host.image, "tree"], root("unpack images"), nobody);
    await refused(["machines", "list"], denied(""), nobody);
    await refused(["machines", "show", "web"], denied("/web/machine.toml"), nobody);
    const hidden = join(host.root, "var/lib/man8machine_configs/x.toml");
    await refused(["machines", "apply", hidden], denied("/x.toml"), nobody);
    host.reset();
  });
});
