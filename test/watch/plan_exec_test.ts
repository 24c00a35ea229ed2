import { describe, expect, test } from "bun:test";
import script from "../../lib/watch/exec_in_machine.sh" with { type: "text" };
import { type ExecRequest, planExec } from "../../lib/watch/plan_exec.ts";

const request: ExecRequest = {
  enter: ["--target=5", "--mount"],
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

describe("planExec()", () => {
  test("needs nothing in the machine for the usual", () => {
    expect(planExec(request)).toEqual({
      argv: [
        "nsenter",
        "--target=5",
        "--mount",
        "--setgid=1001",
        "--setuid=1000",
        "--",
        "id",
        "-u",
      ],
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
        ...["nsenter", "--target=5", "--mount", "--setgid=0", "--setuid=0", "--"],
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
});
