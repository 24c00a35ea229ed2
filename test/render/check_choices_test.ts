import { expect, test } from "bun:test";
import { MbctlError } from "../../lib/errors.ts";
import { parseImageConfig } from "../../lib/image/config.ts";
import { checkChoices } from "../../lib/render/check_choices.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { defaultChoices, type MachineSpec } from "../../lib/spec/machine_spec.ts";
import { parseDevice } from "../../lib/spec/device.ts";
import { parseSecretName } from "../../lib/spec/secret_use.ts";

const name = parseMachineName("web");
const image = parseImageConfig({
  architecture: "amd64",
  os: "linux",
  config: { Cmd: ["/app"], User: "app", Volumes: { "/data": {} } },
});
const check = (change: Partial<MachineSpec>, config = image) =>
  checkChoices(
    {
      ...{ ...defaultChoices, name, environment: [], volumes: [] },
      image: { reference: "x:1", digest: "sha256:0", manifestDigest: "sha256:1" },
      ...change,
    },
    config,
  );
const secret = (text: string, uses: object) => ({ name: parseSecretName(text), ...uses });
const data = (path: string) => ({ path, kind: "data" }) as const;
const tmpfs = (path: string) => ({ path, kind: "tmpfs" }) as const;
const capabilities = (add: readonly string[], drop: readonly string[]) => ({
  capabilities: { add, drop },
});

const bad: readonly (readonly [change: Partial<MachineSpec>, message: string])[] = [
  [{ entrypoint: [] }, "Cannot run the image: it names no program"],
  [{ args: [] }, "Cannot run the image: it names no program"],
  [{ entrypoint: ["", "x"] }, "Cannot run the image: the name of the program is empty"],
  [{ volumes: [data("/a"), tmpfs("/a")] }, "Cannot keep the volume /a: it is named twice"],
  [
    { volumes: [data("/")] },
    "Cannot keep the volume / on the host: the machine needs what is at that place",
  ],
  [{ volumes: [tmpfs("/run")] }, "Cannot keep /run in memory: it is there already"],
  [{ volumes: [tmpfs("/dev")] }, "Cannot keep /dev in memory: it is there already"],
  [{ volumes: [tmpfs("/man8s-init")] }, "Cannot keep the volume /man8s-init on the host"],
  [
    { devices: [parseDevice("/dev/fuse"), parseDevice("/dev/fuse:/dev/other")] },
    "Cannot use the device /dev/fuse: it is named twice",
  ],
  [
    { devices: [parseDevice("/dev/a:/dev/x"), parseDevice("/dev/b:/dev/x")] },
    "Cannot use the device /dev/x: it is named twice",
  ],
  [
    { devices: [parseDevice("/dev/fuse")], volumes: [data("/dev/fuse")] },
    "Cannot use the device /dev/fuse: a volume has that place",
  ],
  [
    { secrets: [secret("a", { variable: "A" }), secret("b", { fileVariable: "A" })] },
    "Cannot set the variable A: two secrets are to be in it",
  ],
  [
    { secrets: [secret("a", { fileVariable: "A" })], environment: [["A", "x"]] },
    "Cannot set the variable A: both env and a secret have it",
  ],
  [{ limits: { memory: 6 * 1024 ** 2 - 1 } }, "Cannot limit the memory to 6291455"],
  [{ limits: { tasks: 15 } }, "Cannot limit the tasks to 15"],
  [{ limits: { openFiles: 31 } }, "Cannot limit open files to 31"],
  [{ depends: [name] }, 'Cannot let "web" depend on itself'],
  [
    { depends: [parseMachineName("db"), parseMachineName("db")] },
    'Cannot depend on "db": it is named twice',
  ],
  [capabilities(["FLY"], []), "Cannot give or take the capability FLY: there is none of that name"],
  [capabilities(["SYSLOG"], ["SYSLOG"]), "Cannot both add and drop the capability SYSLOG"],
  [
    { ...capabilities([], ["NET_RAW"]), user: "0:0" },
    "Cannot drop the capability NET_RAW: man8s-init needs it",
  ],
];

test.each(bad)("checkChoices() refuses %j, and says what to do", (change, message) => {
  let error: unknown;
  try {
    check(change);
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(MbctlError);
  const { message: text, kind, hint } = error as MbctlError;
  expect(text).toStartWith(message);
  expect([kind, hint === undefined]).toEqual(["usage", false]);
});

const good: readonly Partial<MachineSpec>[] = [
  {},
  { entrypoint: [], args: ["/other"] },
  { volumes: [data("/a"), data("/a/b"), tmpfs("/tmp"), tmpfs("/run/x")] },
  { limits: { memory: 6 * 1024 ** 2, tasks: 16, openFiles: 32, disk: 1, cpus: 0.01 } },
  { ...capabilities(["ALL"], ["MKNOD"]), user: "root" },
  capabilities([], ["NET_RAW"]),
  capabilities(["NET_BIND_SERVICE"], ["ALL"]),
  { secrets: [secret("a", { fileVariable: "A", variable: "B" })] },
];

test.each(good)("checkChoices() takes %j", (change) => {
  expect(check(change)).toEqual([]);
});

test("checkChoices() says what is weaker than it looks", () => {
  expect(check({ ...capabilities([], ["ALL"]), user: "root" })).toEqual([
    "the program runs as root, and keeps in its machine what man8s-init needs: CHOWN, DAC_OVERRIDE, FOWNER, NET_ADMIN, NET_RAW, SETGID, SETUID, SYS_ADMIN, SYS_CHROOT; a program of another user has none",
  ]);
  expect(check(capabilities(["SYSLOG"], []))).toEqual([
    'the program runs as "app": it gets SYSLOG only by a file\'s capabilities (setcap), or as root',
  ]);
  expect(check({ isReadOnly: true, volumes: [{ path: "/data", kind: "skip" }] })).toEqual([
    "nothing can be written to /data: it lies in the root tree, which is read-only",
  ]);
});
