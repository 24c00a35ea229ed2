import { expect, test } from "bun:test";
import { closeSync, readFileSync } from "node:fs";
import { readPeer } from "../../lib/calls/peer.ts";
import { TestConnector } from "./_connector.ts";

/** A process's path in the unified hierarchy. */
function cgroupOf(pid: number): string | undefined {
  return /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1];
}

test("readPeer() says who connected, until that process has ended", async () => {
  await using connector = new TestConnector();
  const call = connector.start(["psql"]);
  const socket = await connector.accept();
  try {
    const who = { pid: call.pid, uid: 0, gid: 0 };
    expect(readPeer(socket)).toEqual({ ...who, cgroup: cgroupOf(call.pid) });
    call.kill("SIGKILL");
    await call.exited;
    expect(readPeer(socket)).toEqual({ ...who, cgroup: undefined });
  } finally {
    closeSync(socket);
  }
});

test("readPeer() says another user's number", async () => {
  await using connector = new TestConnector();
  const asUser = ["setpriv", "--reuid=1000", "--regid=1001", "--clear-groups", "--"];
  const script = "chmod 755 $1; chmod 777 $2";
  await Bun.spawn(["sh", "-c", script, "sh", connector.folder, connector.path]).exited;
  const program =
    "use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0); connect($s, pack_sockaddr_un($ARGV[0])) or die $!; sleep 60";
  const child = Bun.spawn([...asUser, "perl", "-e", program, connector.path]);
  const socket = await connector.accept();
  try {
    expect(readPeer(socket)).toMatchObject({ pid: child.pid, uid: 1000, gid: 1001 });
  } finally {
    closeSync(socket);
    child.kill();
    await child.exited;
  }
});
