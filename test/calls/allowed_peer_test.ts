import { describe, expect, test } from "bun:test";
import { isAllowedPeer } from "../../lib/calls/allowed_peer.ts";
import { hostCaller } from "../../lib/connector/unit_names.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";

const web = parseMachineName("web");
const unit = (name: string) => `/machine.slice/systemd-nspawn@${name}.service`;

describe("isAllowedPeer()", () => {
  test("a machine's processes are those below its unit, whatever groups it makes", () => {
    const rows: readonly (readonly [cgroup: string | undefined, isAllowed: boolean])[] = [
      [`${unit("web")}/payload`, true],
      [`${unit("web")}/payload/system.slice/a.service`, true],
      [unit("web"), true],
      [`/a.slice/systemd-nspawn@web.service/payload`, true],
      [`${unit("web-2")}/payload`, false],
      [`${unit("we")}/payload`, false],
      // What another machine calls so is its own.
      [`${unit("evil")}/payload/systemd-nspawn@web.service`, false],
      [`${unit("evil")}/payload${unit("web")}`, false],
      // And what a user of the host does.
      ["/user.slice/user-1000.slice/user@1000.service/systemd-nspawn@web.service", false],
      [`/user.slice/user-1000.slice/session-1.scope${unit("web")}/payload`, false],
      ["/system.slice/ssh.service", false],
      ["/", false],
      ["", false],
      [undefined, false],
    ];
    for (const [cgroup, isAllowed] of rows) {
      expect([cgroup, isAllowedPeer(web, { uid: 70_000, cgroup })]).toEqual([cgroup, isAllowed]);
    }
  });

  test("the host is root outside of all machines", () => {
    const rows: readonly (readonly [
      uid: number,
      cgroup: string | undefined,
      isAllowed: boolean,
    ])[] = [
      [0, "/user.slice/user-0.slice/session-1.scope", true],
      [0, "/", true],
      [1000, "/user.slice", false],
      [0, `${unit("web")}/payload`, false],
      [0, "/machine.slice/machine-by-hand.scope", false],
      [0, undefined, false],
    ];
    for (const [uid, cgroup, isAllowed] of rows) {
      expect([cgroup, isAllowedPeer(hostCaller, { uid, cgroup })]).toEqual([cgroup, isAllowed]);
    }
  });
});
