import { describe, expect, test } from "bun:test";
import { MbctlError } from "../../lib/errors.ts";
import { planInstall } from "../../lib/os/install_plan.ts";
import { installCommand, installEnvironment } from "../../lib/os/install_system.ts";
import { readTree } from "../../lib/os/read_tree.ts";
import { systemFacts, type SystemFacts } from "../../lib/os/system_facts.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { expectGolden } from "../golden/golden.ts";
import { makeTestTree, trees } from "./_trees.ts";

function factsOf(name: string): SystemFacts {
  using tree = makeTestTree(trees[name] ?? {});
  return systemFacts(readTree(tree.path));
}

const bare = { ...factsOf("dockerDebian") };

describe("planInstall()", () => {
  test.each(["apt-get", "dnf5", "microdnf", "pacman", "zypper"] as const)(
    "by %s is the golden script",
    (packageManager) => {
      expectGolden(
        `os/install/${packageManager}.txt`,
        planInstall({ ...bare, packageManager }) ?? "",
      );
    },
  );

  test.each(["apt-get", "dnf", "yum", "pacman", "zypper"] as const)(
    "by %s is a script that sh can read",
    (packageManager) => {
      const script = planInstall({ ...bare, packageManager, version: "15.6" }) ?? "";
      expect(Bun.spawnSync(["sh", "-n", "-c", script]).exitCode).toBe(0);
    },
  );

  test.each(["debian13", "ubuntu24.04", "fedora43", "arch", "tumbleweed", "centos9", "debian7"])(
    "leaves %s as it is",
    (name) => {
      expect(planInstall(factsOf(name))).toBeUndefined();
    },
  );

  test("gives a system without anything for its network what it lacks", () => {
    expect(planInstall({ ...factsOf("fedora43"), network: "none" })).toContain("systemd-networkd");
  });

  test.each([
    [{ ...factsOf("alpine"), init: "sysvinit" } as const, "its distribution has no systemd"],
    [
      { ...bare, packageManager: undefined },
      "it has no systemd, and no package manager that mbctl knows",
    ],
    [
      { ...factsOf("debian8"), hasLogin: true },
      "its systemd is older than 232, and does not boot where cgroups are of version 2",
    ],
  ])("says of what cannot become a system what to do instead", (facts, state) => {
    try {
      planInstall(facts);
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof MbctlError)) throw error;
      expect(error.kind).toBe("usage");
      expect(error.message).toEndWith(`: ${state}`);
      expect(error.hint).toContain("--mode direct");
    }
  });
});

test("installEnvironment() has the machine's network, and neither its user nor its secrets", () => {
  const text = installEnvironment(
    "MAN8S_CONTAINER_NAME=box\nMAN8S_NETWORK_INTERFACE=host0\nMAN8S_ULA_ADDRESS=fd00::2\nMAN8S_SECRETS=x\nMAN8S_APPLICATION_USER=www\nTOKEN=secret\n",
    "echo 1\necho '2'\n",
  );
  expectGolden("os/install/environment.env", text);
});

test("installCommand() gives the tree nothing of the host's but its bridge", () => {
  const install = {
    name: parseMachineName("box"),
    busybox: "/bin/busybox",
    bridge: "srvgrp0",
    envFile: "",
  };
  expectGolden("os/install/command.txt", `${installCommand("/trees/new", install).join("\n")}\n`);
});
