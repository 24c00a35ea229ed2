import { describe, expect, test } from "bun:test";
import script from "../../lib/watch/exec_in_machine.sh" with { type: "text" };
import { type ExecRequest, planExec } from "../../lib/watch/plan_exec.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";

const all = new Set(Array.from({ length: 41 }, (_, number) => number));
const request: ExecRequest = {
  machine: parseMachineName("web"),
  entrance: {
    programs: { nsenter: "/h/nsenter", setpriv: "/h/setpriv" },
    options: ["--target=5", "--mount", "--user", "--wd"],
    bounds: new Set([6, 7, 18, 19, 21]),
    hasNoNewPrivileges: false,
    isRoots: false,
    onHost: ({ uid, gid, groups }) => ({
      uid: uid + 65536,
      gid: gid + 65536,
      groups: groups.map((id) => id + 65536),
    }),
  },
  environment: [
    ["PATH", "/bin"],
    ["A", "1"],
    ["A", "2"],
  ],
  isUnsafe: ([name]) => name.startsWith("LD_"),
  user: { uid: 1000, gid: 1001, groups: [] },
  busybox: "/bb",
  command: ["id", "-u"],
  programPath: "/bin/id",
};
const toUsers = ["/h/nsenter", "--target=5", "--user", "--"];
const bounding = "--bounding-set=-all,+cap_6,+cap_7,+cap_18,+cap_19,+cap_21";
const toRest = ["--", "/h/nsenter", "--target=5", "--mount", "--wd"];
const bounded = [...toUsers, "/h/setpriv", "--clear-groups", bounding, ...toRest];

describe("planExec()", () => {
  test("needs nothing in the machine for the usual", () => {
    expect(planExec(request)).toEqual({
      argv: [...bounded, "--setgid=1001", "--setuid=1000", "--", "id", "-u"],
      environment: { PATH: "/bin", A: "2" },
      missing: [],
    });
  });

  test("leaves the rest to busybox, as root, and keeps values off the command line", () => {
    const plan = planExec({
      ...request,
      environment: [...request.environment, ["LD_X", "s1"], ["my.var", "s2"], ["IFS", "s3"]],
      user: { uid: 1000, gid: 1001, groups: [7, 8] },
      directory: "/srv",
    });
    expect(plan).toEqual({
      argv: [
        ...[...bounded, "--"],
        ...["/bb", "sh", "-c", script, "/bb", "1000", "1001", "7 8", "/srv", "/bin/id", "-u"],
      ],
      environment: {
        PATH: "/bin",
        A: "2",
        MBCTL_WORDS: "3",
        MBCTL_WORD_1: "LD_X=s1",
        MBCTL_WORD_2: "my.var=s2",
        MBCTL_WORD_3: "IFS=s3",
      },
      missing: [],
    });
  });

  test("leaves it to a whole system's own shell, where there is one", () => {
    const plan = planExec({
      ...request,
      environment: [["LD_X", "s1"]],
      user: { uid: 1000, gid: 1001, groups: [7, 8] },
      directory: "/srv",
      busybox: undefined,
      isSystem: true,
    });
    expect(plan).toEqual({
      argv: [
        ...[...bounded, "--", "/bin/sh", "-c", script, "sh"],
        ...["1000", "1001", "7,8", "/srv", "/bin/id", "-u"],
      ],
      environment: { MBCTL_WORDS: "1", MBCTL_WORD_1: "LD_X=s1" },
      missing: [],
    });
  });

  test.skipIf(process.getuid?.() !== 0).each(["dash", "bash"])(
    "that shell becomes the program, by %s",
    (shell) => {
      const words = ["1000", "1001", "7,8", "/", "/usr/bin/env"];
      const { stdout, exitCode } = Bun.spawnSync([shell, "-c", script, "sh", ...words], {
        env: { A: "1", MBCTL_WORDS: "2", MBCTL_WORD_1: "LD_X=it's", MBCTL_WORD_2: "my.var=$a b" },
      });
      const lines = stdout.toString().trim().split("\n");
      // What a shell says of itself is of no use to the program, and of no harm.
      expect(lines.filter((line) => !/^(_|SHLVL)=/.test(line)).sort()).toEqual([
        "A=1",
        "LD_X=it's",
        "my.var=$a b",
      ]);
      const ids = Bun.spawnSync([shell, "-c", script, "sh", ...words.slice(0, 4), "id", "-Gr"]);
      expect([exitCode, ids.stdout.toString()]).toEqual([0, "1001 7 8\n"]);
    },
  );

  test("says what is left out where there is no busybox", () => {
    const plan = planExec({
      ...request,
      environment: [["LD_X", "s"]],
      user: { uid: 0, gid: 0, groups: [7] },
      directory: "/srv",
      busybox: undefined,
    });
    expect(plan.environment).toEqual({});
    expect(plan.missing).toEqual([
      "another working directory",
      "supplementary groups",
      "the variable LD_X",
    ]);
  });

  test("is bounded in a machine without users of its own too, and may gain nothing where its program may not", () => {
    const options = ["--target=5", "--mount"];
    const entrance = { ...request.entrance, options, bounds: all, hasNoNewPrivileges: true };
    const { argv } = planExec({ ...request, entrance, user: { uid: 0, gid: 0, groups: [] } });
    const everything = [...all].map((number) => `+cap_${number}`);
    expect(argv).toEqual([
      ...["/h/setpriv", "--clear-groups", `--bounding-set=-all,${everything.join(",")}`],
      ...["--no-new-privs", "--", "/h/nsenter", "--target=5", "--mount", "--", "id", "-u"],
    ]);
  });

  test.each([6, 7, 18, 19, 21])(
    "lets a user in without what the machine lacks, here capability %d",
    (lacking) => {
      const bounds = new Set([...all].filter((number) => number !== lacking));
      const entrance = { ...request.entrance, bounds };
      const capabilities = "+sys_admin,+sys_chroot,+sys_ptrace";
      const plan = planExec({
        ...{ ...request, entrance, environment: [["LD_X", "s"]], directory: "/srv" },
        user: { uid: 1000, gid: 1001, groups: [7, 8] },
      });
      expect(plan).toEqual({
        argv: [
          ...["/h/setpriv", "--reuid=66536", "--regid=66537", "--groups=65543,65544"],
          ...["--no-new-privs", `--inh-caps=${capabilities}`, `--ambient-caps=${capabilities}`],
          ...["--", "/h/nsenter", "--preserve-credentials", "--target=5", "--mount", "--user"],
          ...["--wdns=/srv", "--", "id", "-u"],
        ],
        environment: {},
        missing: ["the variable LD_X"],
      });
    },
  );

  const root = { uid: 0, gid: 0, groups: [] };
  test.each([
    ["root needs no capability to become itself", { ...root }, [6, 7], true, true],
    ["nor to see a program of its own", { ...root }, [19], true, true],
    ["but that of another user's", { ...root }, [19], false, false],
    ["and those of setns(2)", { ...root }, [21], true, false],
    [
      "a user whom the host does not know is refused",
      { uid: 9, gid: 9, groups: [] },
      [21],
      false,
      false,
    ],
  ] as const)("%s", (_, user, lacking, isRoots, isPossible) => {
    const bounds = new Set([...all].filter((number) => !lacking.some((one) => one === number)));
    const entrance = { ...request.entrance, bounds, isRoots, onHost: () => undefined };
    const plan = () => planExec({ ...request, entrance, user });
    if (isPossible) expect(plan().argv).toContain("--clear-groups");
    else expect(plan).toThrow('Cannot run a command in "web" with its capabilities alone');
  });
});
