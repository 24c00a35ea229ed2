import { describe, expect, test } from "bun:test";
import {
  formatSshTarget,
  parseSshTarget,
  rsyncWords,
  sshWords,
} from "../../lib/transfer/ssh_target.ts";

describe("parseSshTarget()", () => {
  test.each([
    ["ssh://hostb", "hostb", undefined],
    ["ssh://root@hostb", "root@hostb", undefined],
    ["ssh://root@host-b.example.org:2222", "root@host-b.example.org", 2222],
    ["ssh://root@192.0.2.7/", "root@192.0.2.7", undefined],
    ["ssh://root@[300:aaaa::1]:22", "root@300:aaaa::1", 22],
  ])("reads %p", (text, words, port) => {
    const target = parseSshTarget(text);
    expect(formatSshTarget(target)).toBe(words);
    expect(target.port).toBe(port);
  });

  test.each([
    ...["", "hostb", "ssh://", "ssh://root@", "ssh://-oProxyCommand=x", "ssh://root@-x"],
    ...["ssh://-l@hostb", "ssh://a b@hostb", "ssh://host b", "ssh://hostb/path", "ssh://hostb:0"],
    ...["ssh://hostb:99999", "ssh://[hostb]", "ssh://300:aaaa::1", "ssh://a@b@c", "ssh://$(id)"],
    ...["ssh://hostb;id", "ssh://hostb\n", "http://hostb", "ssh://root:secret@hostb"],
  ])("refuses %p", (text) => {
    expect(() => parseSshTarget(text)).toThrow("it is no ssh:// address");
  });
});

test("words go to the other host's shell as they are", () => {
  const target = parseSshTarget("ssh://root@hostb:2222");
  const words = sshWords(target, ["printf", "%s\\n", "a b", "$(id)", "it's"]);
  expect(words.slice(0, -1)).toEqual([
    ...["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"],
    ...["-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=3", "-T", "-p", "2222"],
    ...["--", "root@hostb"],
  ]);
  // sshd gives the last word to the user's shell with -c.
  const { stdout } = Bun.spawnSync(["sh", "-c", words.at(-1) ?? ""]);
  expect(stdout.toString()).toBe("a b\n$(id)\nit's\n");
});

test("rsync keeps everything, and takes an IPv6 address in brackets", () => {
  const words = rsyncWords(parseSshTarget("ssh://root@[300::1]"), "/a", "/b c");
  expect(words).toEqual([
    ...["rsync", "-aHAXS", "--numeric-ids", "--delete", "--protect-args"],
    "--rsh=ssh -o 'BatchMode=yes' -o 'ConnectTimeout=10' -o 'ServerAliveInterval=10' -o 'ServerAliveCountMax=3' -T",
    ...["--", "/a/", "root@[300::1]:/b c/"],
  ]);
});
