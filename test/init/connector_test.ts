import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { waitFor } from "../lab/wait_for.ts";
import { BUSYBOX, InitRoot, run } from "./init_root.ts";

const root = new InitRoot();
root.applets("env");
afterAll(() => root[Symbol.dispose]());

describe("a machine that only lends commands", () => {
  test.each(["busybox", "dash"])("needs no arguments and no program, by %s", (shell) => {
    const script = ["60-arguments", "71-program-find"]
      .map((name) => `. '${root.at(`/man8s-init/${name}.sh`)}'`)
      .join("\n");
    const command = `m8_bb=/bb m8_mode=connector m8_args="'"\n${script}\nprintf '%s|' "$@"`;
    const words =
      shell === "busybox" ? [BUSYBOX, "sh", "-c", command] : ["/bin/dash", "-c", command];
    expect(run(words, { env: {}, cwd: "/" })).toMatchObject({
      code: 0,
      stdout: "/bb|sleep|2147483647|",
      stderr: "",
    });
  });

  test("has a process that stays, with the app's environment, and ends by a signal", async () => {
    root.write("/man8env.env", "MAN8S_APPLICATION_MODE=connector\nOWN=its own\nmy.var=x\n");
    const child = Bun.spawn([BUSYBOX, "sh", root.at("/man8s-init/00-init.sh")], {
      env: { PATH: "/bin", MAN8S_TEST_ROOT: root.path },
      stdio: ["ignore", "ignore", "pipe"],
    });
    try {
      const words = () => readFileSync(`/proc/${child.pid}/cmdline`, "utf8").split("\0");
      await waitFor(() => words()[1] === "sleep", { what: "the init to end" });
      const environment = readFileSync(`/proc/${child.pid}/environ`, "utf8").split("\0");
      expect(environment).toContain("OWN=its own");
      expect(environment).toContain("my.var=x");
      expect(environment.filter((entry) => entry.startsWith("MAN8S_APPLICATION"))).toEqual([]);
      expect(readFileSync(root.at("/run/man8s-init/identity"), "utf8")).toBe("0 0\n");
    } finally {
      child.kill("SIGQUIT");
    }
    await child.exited;
    expect(child.signalCode).toBe("SIGQUIT");
    expect(await child.stderr.text()).toBe(
      "man8s-init: starting no program: commands are lent, as 0:0\n",
    );
  });

  test("is one by that word alone; the program does not see it", () => {
    root.write("/man8env.env", "MAN8S_APPLICATION_MODE=other\nMAN8S_APPLICATION_ARGS=env\n");
    const { code, stdout } = root.run();
    expect([code, stdout.includes("MAN8S_APPLICATION")]).toEqual([0, false]);
  });
});
