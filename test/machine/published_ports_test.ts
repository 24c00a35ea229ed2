import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { MbctlError } from "../../lib/errors.ts";
import { type Host, openHost } from "../../lib/host/host.ts";
import { formatMachineToml } from "../../lib/spec/machine_toml.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { machinePaths } from "../../lib/paths.ts";
import { claimPorts } from "../../lib/machine/published_ports.ts";
import { formatIpv4 } from "../../lib/network/ipv4.ts";
import { parsePublishedPort } from "../../lib/network/published_port.ts";
import { machineOf, type MachineWords } from "../firewall/_states.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "mbctl-ports-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(name: string, words: MachineWords): void {
  const path = machinePaths(root, parseMachineName(name)).machineToml;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, formatMachineToml(machineOf(name, words).spec));
}

const host = (): Host => openHost({ root, log: { command: () => {} } });

/** Claims ports as a process of its own would, and gives the address as text. */
function claim(name: string, ...ports: string[]): string | undefined {
  const claimed = claimPorts(host(), parseMachineName(name), ports.map(parsePublishedPort));
  return claimed === undefined ? undefined : formatIpv4(claimed);
}

function failure(name: string, ...ports: string[]): [kind: string, message: string] {
  try {
    claim(name, ...ports);
  } catch (error) {
    if (error instanceof MbctlError) return [error.kind, error.message];
    throw error;
  }
  throw new Error("it did not fail");
}

describe("claimPorts()", () => {
  test("gives the lowest address that no machine has, and none where nothing is published", () => {
    expect(claim("plain")).toBeUndefined();
    write("one", { publish: ["80:80"], ipv4: "10.199.0.2" });
    write("three", { publish: ["81:80"], ipv4: "10.199.0.4" });
    expect(claim("two", "82:80")).toBe("10.199.0.3");
  });

  test("one port of two addresses", () => {
    expect(claim("one", "127.0.0.1:80:80", "127.0.0.2:80:81", "127.0.0.1:80:80/udp")).toBe(
      "10.199.0.2",
    );
  });

  test("a machine that is pulled beside it gets another address, and not the same port", () => {
    expect(claim("one", "80:80")).toBe("10.199.0.2");
    expect(claim("two", "81:80")).toBe("10.199.0.3");
    expect(failure("three", "81:80")).toEqual([
      "conflict",
      'Cannot publish port 81/tcp of the host for "three": another mbctl is about to',
    ]);
  });

  test("a machine that is made and changed by one run keeps what it claimed", () => {
    expect(claim("one", "80:80")).toBe("10.199.0.2");
    expect(claim("one", "80:80")).toBe("10.199.0.2");
  });

  test.each([
    [["80:80"], "80:81", true],
    [["80:80"], "127.0.0.1:80:81", true],
    [["127.0.0.1:80:80"], "127.0.0.2:80:81", false],
    [["127.0.0.1:80:80"], "0.0.0.0:80:81", true],
    [["127.0.0.1:80:80"], "[::]:80:81", false],
    [["[::1]:80:80"], "[::]:80:81", true],
    [["80:80/udp"], "80:80", false],
  ])("%p of a machine and %s of another: %p", (theirs, ours, isClash) => {
    write("one", { publish: theirs, ipv4: "10.199.0.2" });
    if (!isClash) return expect(claim("two", ours)).toBe("10.199.0.3");
    expect(failure("two", ours)).toEqual([
      "conflict",
      `Cannot publish ${ours} of "two": the port is that of the machine "one"`,
    ]);
  });

  test("a port that is named twice, and no address left", () => {
    expect(failure("one", "80:80", "127.0.0.1:80:81")).toEqual([
      "usage",
      'Cannot publish 127.0.0.1:80:81 of "one": 80:80 has the same port of the host',
    ]);
    mkdirSync(join(root, "etc/mbctl"), { recursive: true });
    writeFileSync(join(root, "etc/mbctl/config.toml"), 'ipv4 = "10.199.0.0/29"\n');
    write("two", { publish: ["90:80"], ipv4: "10.199.0.2" });
    write("three", { publish: ["91:80"], ipv4: "10.199.0.3" });
    expect(failure("four", "92:80")).toEqual([
      "host",
      'Cannot publish ports of "four": all 2 addresses for machines with published ports are given out',
    ]);
  });
});
