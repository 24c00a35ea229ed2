import { describe, expect, test } from "bun:test";
import { parseImageConfig } from "../../lib/image/config.ts";
import { healthCheck } from "../../lib/spec/health_check.ts";
import {
  type HealthFile,
  healthFiles,
  type HealthMachine,
  wantedHealthUnits,
} from "../../lib/health/health_files.ts";
import { healthMachine } from "../../lib/health/unit_names.ts";
import { expectGolden } from "../golden/golden.ts";
import { checkOf, machineOf } from "./_machines.ts";

const files = (...machines: HealthMachine[]) => healthFiles(machines, "/bin/busybox");
const isScript = ({ path }: HealthFile) => /_health\.sh$/.test(path);

/** All files as one text, but for the scripts, which are files of lib. */
const joined = (found: readonly HealthFile[]) =>
  found
    .filter((file) => !isScript(file))
    .map(({ path, text, mode }) => `==> ${path} (${mode.toString(8)}) <==\n${text}\n`)
    .join("");

describe("healthFiles()", () => {
  test("a command, with words that a shell would change", () => {
    const probe = { kind: "command", words: ["pg_isready", "-U", "it's $me\n%i \\"] } as const;
    const check = {
      ...checkOf(probe, { startPeriodMs: 90_000 }),
      workingDirectory: "/var/lib/a b",
    };
    expectGolden("health/command.txt", joined(files(machineOf("TestBWContainer3", check))));
  });

  test("a line, every half second; an unhealthy machine is restarted", () => {
    const probe = { kind: "shell", line: "curl -f http://localhost/ || exit 1" } as const;
    const check = checkOf(probe, { intervalMs: 500, timeoutMs: 1500, onFailure: "restart" });
    const shell = ["/bin/bash", "-o", "pipefail", "-c"];
    expectGolden("health/shell.txt", joined(files(machineOf("web-1.x", { ...check, shell }))));
  });

  test("http and tcp run nothing in the machine", () => {
    const http = checkOf({ kind: "http", port: 8080, path: "/ready?it's" }, { retries: 1 });
    const tcp = checkOf({ kind: "tcp", port: 5432 }, { onFailure: "stop" });
    expectGolden("health/network.txt", joined(files(machineOf("web", http), machineOf("db", tcp))));
  });

  test("machines that wait for others, with and without a check", () => {
    const check = checkOf({ kind: "tcp", port: 80 });
    const found = files(
      machineOf("base"),
      machineOf("app", check, "base", "db"),
      machineOf("alone"),
    );
    expectGolden("health/depends.txt", joined(found));
    expect(found.filter(({ machine }) => machine === "alone")).toEqual([]);
  });

  test("the image's own check: kong's, as Docker stores it", () => {
    const Healthcheck = {
      Test: ["CMD-SHELL", "kong health"],
      Interval: 10_000_000_000,
      Timeout: 10_000_000_000,
      Retries: 10,
    };
    const image = parseImageConfig({ architecture: "amd64", os: "linux", config: { Healthcheck } });
    expect(healthCheck(image.healthcheck, undefined)).toEqual({
      probe: { kind: "shell", line: "kong health" },
      intervalMs: 10_000,
      timeoutMs: 10_000,
      startPeriodMs: 0,
      retries: 10,
      onFailure: "none",
    });
  });

  test("nothing where nobody has a check and nobody waits", () => {
    expect(files(machineOf("one"), machineOf("two"))).toEqual([]);
  });

  test("every unit is known as its machine's, what starts with a machine is among them, and what may be secret is root's", () => {
    const machine = machineOf("web-1.x", checkOf({ kind: "shell", line: "s3cret" }));
    const found = files(machine);
    const units = found.flatMap(
      ({ path }) => /^\/etc\/systemd\/system\/([^/]+)$/.exec(path)?.[1] ?? [],
    );
    expect(units.map(healthMachine)).toEqual(units.map(() => machine.name));
    expect(wantedHealthUnits(machine).filter((unit) => !units.includes(unit))).toEqual([]);
    const secret = found.filter(({ text }) => text.includes("s3cret"));
    expect(secret.map(({ mode }) => mode)).toEqual([0o600]);
  });
});
