import { describe, expect, test } from "bun:test";
import { quoteLine } from "../../lib/env/posix_sh.ts";
import { MbctlError } from "../../lib/errors.ts";
import { installHint } from "../../lib/host/install_hint.ts";
import { bootstrapPrograms, planBootstrap } from "../../lib/os/bootstrap_plan.ts";
import type { BootstrapHost, BootstrapPlan } from "../../lib/os/bootstrap_request.ts";
import { parseOs } from "../../lib/os/os.ts";
import { expectGolden } from "../golden/golden.ts";

const debian = "ID=debian\n";
const fedora = "ID=fedora\n";

function host(programs: readonly string[], more: Partial<BootstrapHost> = {}): BootstrapHost {
  return {
    programs,
    hasFile: () => true,
    installHint: (program) => installHint(program, debian),
    architecture: "x64",
    ...more,
  };
}

function shown({ program, before, commands, after, caches }: BootstrapPlan): string {
  const file = ({ path, text }: { path: string; text: string }) =>
    `${path}\n${text.replace(/^/gm, "    ").trimEnd()}\n`;
  return [
    `program: ${program}\n`,
    ...before.map((each) => `before: ${file(each)}`),
    ...commands.map((words) => `${quoteLine(words)}\n`),
    ...after.map((each) => `after: ${file(each)}`),
    ...caches.map((path) => `empty: ${path}\n`),
  ].join("");
}

const mirror = "https://mirror.example/some/folder/";

const cases: readonly (readonly [name: string, os: string, program: string, mirror?: string])[] = [
  ["mmdebstrap-bookworm", "debian:12", "mmdebstrap"],
  ["mmdebstrap-trixie-mirror", "debian:trixie", "mmdebstrap", mirror],
  ["mmdebstrap-sid", "debian:unstable", "mmdebstrap"],
  ["mmdebstrap-bullseye", "debian:11", "mmdebstrap"],
  ["mmdebstrap-noble", "ubuntu:24.04", "mmdebstrap"],
  ["mmdebstrap-jammy", "ubuntu:jammy", "mmdebstrap"],
  ["debootstrap-bookworm", "debian:bookworm", "debootstrap"],
  ["debootstrap-noble-mirror", "ubuntu:noble", "debootstrap", mirror],
  ["dnf5-43", "fedora:43", "dnf5"],
  ["dnf-41-mirror", "fedora:41", "dnf", mirror],
  ["dnf-rawhide", "fedora:rawhide", "dnf"],
  ["pacstrap", "arch", "pacstrap"],
  ["pacstrap-mirror", "arch:rolling", "pacstrap", mirror],
  ["zypper-tumbleweed", "opensuse:tumbleweed", "zypper"],
  ["zypper-leap-15.6", "opensuse:15.6", "zypper"],
  ["zypper-leap-16-mirror", "opensuse:leap", "zypper", mirror],
];

describe("planBootstrap()", () => {
  // As objects: a row that is short would get a callback in the place of what it lacks.
  const rows = cases.map(([name, os, program, mirror]) => ({ name, os, program, mirror }));
  test.each(rows)("of $name is the golden text", ({ name, os, program, mirror }) => {
    const choice = {
      packages: ["git", "ca-certificates"],
      ...(mirror === undefined ? {} : { mirror }),
    };
    const plan = planBootstrap(parseOs(os), choice, "/trees/new", host([program, "rpm"]));
    expectGolden(`os/bootstrap/${name}.txt`, shown(plan));
  });

  test("takes the ports of Ubuntu for arm64", () => {
    const plan = planBootstrap(
      parseOs("ubuntu:noble"),
      { packages: [] },
      "/t",
      host(["mmdebstrap"], { architecture: "arm64" }),
    );
    expect(plan.commands[0]?.filter((word) => word.startsWith("deb "))).toEqual(
      ["noble", "noble-updates", "noble-security"].map(
        (suite) =>
          `deb [signed-by=/usr/share/keyrings/ubuntu-archive-keyring.gpg] http://ports.ubuntu.com/ubuntu-ports ${suite} main universe`,
      ),
    );
  });

  test("takes the better of two bootstrappers", () => {
    const both = host(["debootstrap", "mmdebstrap", "dnf", "dnf5"]);
    expect(planBootstrap(parseOs("debian"), { packages: [] }, "/t", both).program).toBe(
      "mmdebstrap",
    );
    expect(planBootstrap(parseOs("fedora"), { packages: [] }, "/t", both).program).toBe("dnf5");
  });

  test.each([
    ["debian:13", [], debian, "none of mmdebstrap, debootstrap", "apt install mmdebstrap"],
    ["debian:13", ["dnf5"], fedora, "none of mmdebstrap, debootstrap", "dnf install mmdebstrap"],
    ["ubuntu", [], "ID=arch\n", "none of mmdebstrap, debootstrap", "pacman -S debootstrap"],
    [
      "debian",
      [],
      'ID=opensuse-leap\nID_LIKE="suse"\n',
      "none of mmdebstrap, debootstrap",
      "zypper install debootstrap",
    ],
    ["fedora:43", ["mmdebstrap"], debian, "none of dnf5, dnf", "apt install dnf"],
    [
      "arch",
      [],
      debian,
      "no pacstrap",
      "apt install arch-install-scripts pacman-package-manager archlinux-keyring",
    ],
    ["opensuse", [], debian, "no zypper", "apt install zypper"],
  ])("of %s on a host with %j says what would do", (os, programs, osRelease, state, hint) => {
    const lacking = host(programs, { installHint: (name) => installHint(name, osRelease) });
    const error = thrown(() => planBootstrap(parseOs(os), { packages: [] }, "/t", lacking));
    expect(error.kind).toBe("host");
    expect(error.message).toEndWith(state);
    expect(error.hint).toBe(hint);
  });

  test.each([
    ["ubuntu:noble", "ubuntu-keyring", "/usr/share/keyrings/ubuntu-archive-keyring.gpg"],
    ["debian:sid", "debian-archive-keyring", "/usr/share/keyrings/debian-archive-keyring.gpg"],
    ["fedora:43", "distribution-gpg-keys", "RPM-GPG-KEY-fedora-43-primary"],
    ["arch", "archlinux-keyring", "/usr/share/pacman/keyrings/archlinux.gpg"],
    ["opensuse", "distribution-gpg-keys", "RPM-GPG-KEY-openSUSE-Tumbleweed"],
  ])("of %s without its key names the package %s and the file", (os, owner, file) => {
    const keyless = host(bootstrapPrograms, { hasFile: () => false });
    const error = thrown(() => planBootstrap(parseOs(os), { packages: [] }, "/t", keyless));
    expect(error.kind).toBe("host");
    expect(error.hint).toContain(`apt install ${owner}; or put the key at `);
    expect(error.hint).toEndWith(file);
  });

  test("of Arch Linux on arm64 is refused", () => {
    const other = host(["pacstrap"], { architecture: "arm64" });
    expect(
      thrown(() => planBootstrap(parseOs("arch"), { packages: [] }, "/t", other)).message,
    ).toBe('Cannot make a system of "arch": Arch Linux is for x86-64 processors alone');
  });
});

function thrown(work: () => unknown): MbctlError {
  try {
    work();
  } catch (error) {
    if (error instanceof MbctlError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
