/** What a host's machines are, as text that two runs of a verb can be compared by. */

import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OuterHost } from "../machine/_outer_host.ts";
import { snapshot } from "../machine/_snapshot.ts";

/**
 * The lines of a snapshot of a host's folder, without what differs from run to run or is left on purpose: times in labels,
 * folders of snapshots that are empty, the copy of drop-ins, which a change renews before it is decided.
 */
export function stateBelow(dir: string): string[] {
  return snapshot(dir)
    .filter((line) => !line.startsWith("lost+found"))
    .map((line) =>
      line
        .replace(/\d{8}T\d{6}Z(-\d)?/, "TIME")
        .replace(/(snapshot\.json \d+ \d+:\d+) [0-9a-f]+$/, "$1"),
    )
    .filter((line) => !/\.mbctl-snapshots\/(web\/)? /.test(line))
    .filter((line) => !/man8machine_configs\/web\/\.mbctl\/unit\.d\//.test(line));
}

/** The same of a host that is a folder. */
export function stateOf(host: OuterHost): string[] {
  return stateBelow(join(host.dir, "state"));
}

/** Writes a declaration that differs from the machine `web` of a host in a variable. */
export function writeDeclaration(host: OuterHost, file: string): void {
  const own = join(host.root, "var/lib/man8machine_configs/web/machine.toml");
  writeFileSync(file, readFileSync(own, "utf8").replace('"V"', '"other"'));
}

/** A host with a machine `web`, its snapshot `first`, and what an administrator has done to it since. */
export async function makeEditedHost(): Promise<OuterHost> {
  const host = await OuterHost.create();
  await host.succeed(host.pullWords);
  await host.succeed(["machines", "snapshot", "web", "first", "--with-data"]);
  const below = (path: string) => join(host.root, "var/lib", path);
  appendFileSync(below("man8machine_configs/web/container.nspawn"), "# mine\n");
  writeFileSync(below("man8machine_configs/web/conf/one"), "edited");
  writeFileSync(below("man8machine_storage/web/data/one"), "written");
  writeFileSync(below("man8machines/web/run/mine"), "written");
  const drop = join(host.root, "etc/systemd/system/systemd-nspawn@web.service.d/90-mine.conf");
  writeFileSync(drop, "[Service]\nNice=5\n");
  return host;
}
