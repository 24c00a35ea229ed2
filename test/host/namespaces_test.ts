import { expect, test } from "bun:test";
import process from "node:process";
import {
  enterOptions,
  findProgram,
  innermostPid,
  partEnvironment,
  readEnvironment,
} from "../../lib/host/namespaces.ts";
import { waitFor } from "../lab/wait_for.ts";

test("partEnvironment() keeps from nsenter what could load a file of the machine's into it", () => {
  const carried = {
    LD_PRELOAD: "/evil.so",
    LD_LIBRARY_PATH: "/usr/local/lib",
    LD_AUDIT: "x",
    GCONV_PATH: "/evil",
    LOCPATH: "/evil",
    GLIBC_TUNABLES: "x",
    LANG: "../../evil",
    LC_ALL: "/evil",
    TZ: ":/evil",
    MALLOC_TRACE: "/etc/passwd",
  };
  const passed = {
    PATH: "/bin",
    LANG: "C.UTF-8",
    LC_ALL: "de_DE.UTF-8@euro",
    TZ: "UTC",
    LDAP: "x",
    HOME: "/",
    EMPTY: "",
  };
  expect(
    partEnvironment({
      ...carried,
      ...passed,
      LANG: carried.LANG,
      LC_ALL: carried.LC_ALL,
      TZ: carried.TZ,
    }),
  ).toEqual({
    passed: { PATH: "/bin", LDAP: "x", HOME: "/", EMPTY: "" },
    carried: Object.entries(carried).map(([name, value]) => `${name}=${value}`),
  });
  expect(partEnvironment(passed)).toEqual({ passed, carried: [] });
});

test("readEnvironment() reads a process's own variables, lines broken or not", async () => {
  const child = Bun.spawn(["sleep", "60"], { env: { A: "1\n2", B: "", C: "x=y" } });
  try {
    // Between fork and exec there is none yet.
    await waitFor(() => readEnvironment(child.pid).B !== undefined, {
      what: "sleep to be executed",
    });
    expect(readEnvironment(child.pid)).toEqual({ A: "1\n2", B: "", C: "x=y" });
  } finally {
    child.kill();
    await child.exited;
  }
});

test("innermostPid() is the kernel's number of a process that is in no other namespace", () => {
  expect(innermostPid(process.pid)).toBe(process.pid);
  expect(innermostPid(2 ** 22 + 1)).toBeUndefined();
});

test("findProgram() of a leader without a process 2 is the leader", () => {
  expect(findProgram(process.pid)).toBe(process.pid);
});

test("enterOptions() leaves out the network and the users that one is in already", () => {
  expect(enterOptions(process.pid)).toEqual([
    `--target=${process.pid}`,
    ...["--mount", "--uts", "--ipc", "--pid", "--cgroup", "--root", "--wd"],
  ]);
});

test.skipIf(process.getuid?.() !== 0)("enterOptions() enters those of its own", async () => {
  const child = Bun.spawn(["unshare", "--user", "--net", "--map-root-user", "sleep", "60"]);
  try {
    await waitFor(() => enterOptions(child.pid).includes("--user") || undefined, {
      what: "a process with a network of its own",
    });
    expect(enterOptions(child.pid)).toContain("--net");
  } finally {
    child.kill();
    await child.exited;
  }
});
