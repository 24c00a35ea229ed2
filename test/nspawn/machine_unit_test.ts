import { describe, expect, test } from "bun:test";
import { renderUnitDropIn } from "../../lib/nspawn/machine_unit.ts";
import { parseSignal } from "../../lib/signal.ts";
import { parseUnitFile, unitEntries } from "../../lib/nspawn/unit_file.ts";
import { SHELLS } from "../env/shell_oracle.ts";
import { expectGolden } from "../golden/golden.ts";

const CASES = [
  {
    name: "nginx",
    settings: {
      stopSignal: parseSignal("SIGQUIT"),
      stopTimeoutSec: 10,
      bridge: "srvgrp0",
      firewall: "/var/lib/mbctl/firewall.nft",
    },
  },
  {
    name: "realtime",
    settings: { stopSignal: parseSignal("SIGRTMIN+3"), stopTimeoutSec: 90 },
  },
  {
    name: "macvlan",
    settings: {
      stopSignal: parseSignal("SIGTERM"),
      stopTimeoutSec: 10,
      macvlan: { parent: "eth0" },
    },
  },
  {
    name: "vlan",
    settings: {
      stopSignal: parseSignal("SIGTERM"),
      stopTimeoutSec: 10,
      macvlan: { parent: "lo", vlan: 20 },
    },
  },
] as const;

/** The shell script of a line, as systemd unescapes it. */
function scriptOf(text: string, key: string): string {
  const value = unitEntries(parseUnitFile(text)).find((entry) => entry.key === key)?.value ?? "";
  const quoted = /^\/bin\/sh -c '(.*)' [a-z-]+$/.exec(value)?.[1];
  if (quoted === undefined) throw new Error(`no script in ${value}`);
  return quoted.replaceAll("$$", "$").replaceAll("%%", "%");
}

describe("renderUnitDropIn()", () => {
  test.each(CASES)("renders the drop-in of $name as the golden file", ({ name, settings }) =>
    expectGolden(`nspawn/${name}.service.conf`, renderUnitDropIn(settings)),
  );

  for (const shell of SHELLS) {
    test(`${shell.join(" ")} takes its scripts, and has nothing to stop without MAINPID`, async () => {
      for (const { settings } of CASES) {
        const run = Bun.spawn(
          [...shell, "-eu", "-c", `MAINPID=; ${scriptOf(renderUnitDropIn(settings), "ExecStop")}`],
          { stderr: "pipe" },
        );
        expect([await run.exited, await new Response(run.stderr).text()]).toEqual([0, ""]);
      }
      const start = scriptOf(
        renderUnitDropIn({ ...CASES[0].settings, bridge: "lo" }),
        "ExecStartPre",
      );
      expect(await Bun.spawn([...shell, "-eu", "-c", start]).exited).toBe(0);
    });

    test(`${shell.join(" ")} makes a VLAN, and fails where that fails`, async () => {
      const script = scriptOf(renderUnitDropIn(CASES[3].settings), "ExecStartPre");
      for (const [code, commands] of [
        [0, "link add link lo name lo.20 type vlan id 20\nlink set lo.20 up\n"],
        [7, "link add link lo name lo.20 type vlan id 20\n"],
      ] as const) {
        const fake = `ip() { echo "$*"; return ${code}; }; ${script}`;
        const run = Bun.spawn([...shell, "-c", fake], { stdout: "pipe" });
        expect([await run.exited, await run.stdout.text()]).toEqual([code, commands]);
      }
    });

    test(`${shell.join(" ")} finishes at once when the machine went away meanwhile`, async () => {
      const script = `MAINPID=2147483647; ${scriptOf(renderUnitDropIn(CASES[0].settings), "ExecStop")}`;
      const run = Bun.spawn([...shell, "-c", script], { stderr: "pipe" });
      expect([await run.exited, await new Response(run.stderr).text()]).toEqual([0, ""]);
    });
  }

  test.each(["", "a b", "$(id)", "x".repeat(16), "../x", "-x", "a'b"])(
    "refuses the bridge name %j",
    (bridge) => {
      expect(() =>
        renderUnitDropIn({
          stopSignal: parseSignal("TERM"),
          stopTimeoutSec: 1,
          bridge,
        }),
      ).toThrow(`Cannot use ${JSON.stringify(bridge)} as the name of a bridge`);
    },
  );
});
