import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  type ImageConfig,
  parseImageConfig,
  keptImageConfig,
  parseImageConfigText,
} from "../../lib/image/config.ts";
import { digestOf } from "../../lib/image/digest.ts";

const bare: ImageConfig = {
  architecture: "amd64",
  os: "linux",
  entrypoint: [],
  cmd: [],
  env: [],
  user: "",
  workingDir: "/",
  volumes: [],
  ports: [],
  labels: {},
  diffIds: [],
};
const parse = (config: unknown, more = {}) =>
  parseImageConfig({ architecture: "amd64", os: "linux", config, ...more });

test("parseImageConfig() reads a configuration that says nothing", () => {
  expect(parseImageConfig({ architecture: "amd64", os: "linux" })).toEqual(bare);
  expect(parse({})).toEqual(bare);
  expect(parse(null, { rootfs: null, variant: "", created: null })).toEqual(bare);
  expect(
    parse({
      Entrypoint: null,
      Cmd: null,
      Env: null,
      Volumes: null,
      ExposedPorts: null,
      Labels: null,
      User: null,
      WorkingDir: null,
      StopSignal: null,
      Healthcheck: null,
      Shell: null,
    }),
  ).toEqual(bare);
});

test("parseImageConfig() reads everything that it knows and passes over the rest", () => {
  const config = parse(
    {
      Hostname: "x",
      ArgsEscaped: true,
      OnBuild: null,
      User: "1000:1000",
      Entrypoint: ["/e", "a b", "daemon off;", ""],
      Cmd: ["-c", "line1\nline2"],
      Env: ["PATH=/bin:/", "EMPTY=", "EQ=a=b", "my.var=$(x) `y` \\ \"'"],
      WorkingDir: "/srv//app/./",
      Volumes: { "/data/": {}, "/a": {}, "/data": {} },
      ExposedPorts: { "443/tcp": {}, "53/udp": {}, "80": {}, "53/tcp": {} },
      StopSignal: "3",
      Labels: { a: "1\n2" },
      Healthcheck: {
        Test: ["CMD-SHELL", "x || exit 1"],
        Interval: 5e9,
        Timeout: 0,
        StartPeriod: 1e9,
        StartInterval: 2e9,
        Retries: 3,
      },
      Shell: ["/bin/bash", "-c"],
    },
    {
      variant: "v8",
      created: "2026-01-01T00:00:00Z",
      container_config: { Cmd: 1 },
      rootfs: { type: "layers", diff_ids: [digestOf("a"), digestOf("b")] },
    },
  );
  expect<unknown>(config).toEqual({
    architecture: "amd64",
    os: "linux",
    variant: "v8",
    created: "2026-01-01T00:00:00Z",
    entrypoint: ["/e", "a b", "daemon off;", ""],
    cmd: ["-c", "line1\nline2"],
    env: [
      ["PATH", "/bin:/"],
      ["EMPTY", ""],
      ["EQ", "a=b"],
      ["my.var", "$(x) `y` \\ \"'"],
    ],
    user: "1000:1000",
    workingDir: "/srv/app",
    volumes: ["/a", "/data"],
    ports: [
      { port: 53, protocol: "tcp" },
      { port: 53, protocol: "udp" },
      { port: 80, protocol: "tcp" },
      { port: 443, protocol: "tcp" },
    ],
    stopSignal: "SIGQUIT",
    healthcheck: {
      test: ["CMD-SHELL", "x || exit 1"],
      intervalNs: 5e9,
      startPeriodNs: 1e9,
      startIntervalNs: 2e9,
      retries: 3,
    },
    labels: { a: "1\n2" },
    shell: ["/bin/bash", "-c"],
    diffIds: [digestOf("a"), digestOf("b")],
  });
});

test("parseImageConfig() gives a variable that is set twice its last value at its first place", () => {
  expect(parse({ Env: ["A=1", "B=2", "A=3", "C", "B"] }).env).toEqual([
    ["A", "3"],
    ["B", ""],
    ["C", ""],
  ]);
});

test("parseImageConfig() resolves relative paths from the root, as Docker does", () => {
  const config = parse({
    WorkingDir: "app",
    Volumes: { data: {}, "./x//y/": {}, "/[odd]": {} },
  });
  expect([config.workingDir, config.volumes]).toEqual(["/app", ["/[odd]", "/data", "/x/y"]]);
});

test("parseImageConfig() names the key that it cannot use", () => {
  const rows: readonly (readonly [config: unknown, state: string])[] = [
    [[], "config: Expected Object but received Array"],
    [{ Entrypoint: "/bin/x" }, 'config.Entrypoint: Expected Array but received "/bin/x"'],
    [{ Cmd: ["a", 1] }, "config.Cmd.1: Expected string but received 1"],
    [{ Cmd: ["a\0b"] }, "config.Cmd.0: it has a NUL character"],
    [{ Env: { A: "1" } }, "config.Env: Expected Array but received Object"],
    [{ Env: ["A=1", null] }, "config.Env.1: Expected string but received null"],
    [{ Env: ["=x"] }, "config.Env.0: the name of the variable is empty"],
    [{ Env: ["A=1", ""] }, "config.Env.1: the name of the variable is empty"],
    [{ User: 1000 }, "config.User: Expected string but received 1000"],
    [{ WorkingDir: "/a/../b" }, 'config.WorkingDir: "/a/../b" has ".." in it'],
    [{ Volumes: { "/a/../../etc": {} } }, 'config.Volumes: "/a/../../etc" has ".." in it'],
    [{ Volumes: { "//./": {} } }, 'config.Volumes: "/" cannot be a volume'],
    [{ Volumes: ["/a"] }, "config.Volumes: Expected Object but received Array"],
    [{ ExposedPorts: { "0/tcp": {} } }, 'config.ExposedPorts: "0/tcp" is no port'],
    [{ ExposedPorts: { "65536/tcp": {} } }, 'config.ExposedPorts: "65536/tcp" is no port'],
    [{ ExposedPorts: { "80/icmp": {} } }, 'config.ExposedPorts: "80/icmp" is no port'],
    [{ StopSignal: "SIGNOPE" }, 'config.StopSignal: "SIGNOPE" is no signal'],
    [{ Labels: { a: 1 } }, "config.Labels.a: Expected string but received 1"],
    [
      { Healthcheck: { Interval: "10s" } },
      'config.Healthcheck.Interval: Expected number but received "10s"',
    ],
  ];
  const messages = rows.map(([config]) => {
    try {
      parse(config);
    } catch (error) {
      return String(error);
    }
    return "it did not fail";
  });
  expect(messages).toEqual(
    rows.map(([, state]) => `MbctlError: Cannot use the image's configuration: ${state}`),
  );
  expect(() => parseImageConfig({ os: "linux" })).toThrow(
    "Cannot use the image's configuration: architecture: it is missing",
  );
  expect(() => parse({}, { rootfs: { diff_ids: ["x"] } })).toThrow(
    "Cannot use the image's configuration: rootfs.diff_ids.0: it is no digest",
  );
  expect(() => parseImageConfigText("")).toThrow(
    "Cannot use the image's configuration: it is no JSON",
  );
});

test("parseImageConfig() keeps every argument and every variable as it is", () => {
  const text = fc.string({ unit: "binary" }).map((value) => value.replaceAll("\0", ""));
  const name = text.map((value) => `N${value.replaceAll("=", "")}`);
  fc.assert(
    fc.property(
      fc.array(text),
      fc.uniqueArray(fc.tuple(name, text), { selector: ([variable]) => variable }),
      (words, env) => {
        const config = parseImageConfigText(
          JSON.stringify({
            architecture: "amd64",
            os: "linux",
            config: {
              Entrypoint: words,
              Cmd: words,
              Env: env.map(([variable, value]) => `${variable}=${value}`),
            },
          }),
        );
        expect([config.entrypoint, config.cmd, config.env]).toEqual([words, words, env]);
      },
    ),
  );
}, 30_000);

test.each([
  [undefined, undefined],
  ['{"architecture":"amd64","os":"linux"}', "amd64"],
  ["", undefined],
  ['{"architecture":"amd', undefined],
  ['{"architecture":1}', undefined],
])("keptImageConfig() takes a damaged %j for none", (text, architecture) => {
  expect(keptImageConfig(text)?.architecture).toBe(architecture);
});
