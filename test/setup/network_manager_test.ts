import { describe, expect, test } from "bun:test";
import type { ForgetState } from "../../lib/setup/backend.ts";
import { networkManager } from "../../lib/setup/network_manager.ts";
import { networkManagerFiles } from "../../lib/setup/network_manager_files.ts";
import { planSetup } from "../../lib/setup/plan_setup.ts";
import { describeSetupStep } from "../../lib/setup/setup_step.ts";
import { input, network, unit } from "./_input.ts";

const keyfile = "/etc/NetworkManager/system-connections/mbctl-srvgrp0.nmconnection";
const load = `nmcli connection load ${keyfile}`;
const reapply = "nmcli device reapply srvgrp0";

const words = (commands: readonly (readonly string[])[]) =>
  commands.map((command) => command.join(" "));

describe("networkManager", () => {
  test("brings a new bridge up, and changes one that is up in place: its machines stay on it", () => {
    const up = "nmcli connection up mbctl-srvgrp0";
    expect(words(networkManager.reload(network, false))).toEqual([load, up]);
    expect(words(networkManager.repair(network))).toEqual([load, up]);
    expect(words(networkManager.reload(network, true))).toEqual([load, reapply]);
  });

  const removeTable = "nft add table ip6 mbctl-srvgrp0; delete table ip6 mbctl-srvgrp0";
  const deleteDevice = "nmcli device delete srvgrp0";
  const rows: [string, ForgetState, string[]][] = [
    [
      "a bridge that goes",
      { hasBridge: true, isGone: true, isToldOf: true },
      [deleteDevice, load, removeTable],
    ],
    [
      "a bridge that went, by a run that was killed",
      { hasBridge: false, isGone: true, isToldOf: false },
      [load, removeTable],
    ],
    [
      "files as an earlier set-up had them",
      { hasBridge: false, isGone: false, isToldOf: true },
      [load, reapply],
    ],
    ["nothing", { hasBridge: false, isGone: false, isToldOf: false }, []],
  ];
  test.each(rows)("forgets %s", (_, state, commands) => {
    expect(words(networkManager.forget("srvgrp0", state))).toEqual(commands);
  });

  test("needs no systemd-resolved; firewalld knows the zone before the bridge comes", () => {
    const files = [...networkManagerFiles(network), zone].map((wanted) => ({
      wanted,
      present: undefined,
    }));
    const units = new Map([
      ["NetworkManager.service", unit()],
      ["yggdrasil.service", unit()],
    ]);
    const { steps } = planSetup(
      input({ backend: networkManager, files, units, isFirewalldActive: true, settings: [] }),
    );
    expect(steps.slice(5, -3).map(describeSetupStep)).toEqual([
      "firewall-cmd --reload",
      load,
      "nmcli connection up mbctl-srvgrp0",
      "wait until srvgrp0 has its addresses",
      "/etc/NetworkManager/dispatcher.d/50-mbctl-srvgrp0 srvgrp0 up",
    ]);
  });
});

const zone = { path: "/etc/firewalld/zones/mbctl.xml", text: "<zone/>", mode: 0o644 };
