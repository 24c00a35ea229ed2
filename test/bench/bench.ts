/**
 * What mbctl costs in time, measured here and now: `make bench`, or `bun test/bench/bench.ts [OS]`.
 * It judges nothing: timings of a shared machine are no test.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { type HostOs, hostOses } from "../lab/host_image.ts";
import { benchApply } from "./apply.ts";
import { benchConnector } from "./connector.ts";
import { benchHealth } from "./health.ts";
import { benchMachineStart } from "./machine_start.ts";
import { benchProgramStart } from "./program_start.ts";
import { benchRelay } from "./relay.ts";
import { benchSnapshots } from "./snapshots.ts";

const os = process.argv[2] ?? "debian13";
if ((hostOses as readonly string[]).includes(os)) {
  const model =
    /^model name\s*: (.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? process.arch;
  const load = () => `load ${loadavg()[0]?.toFixed(2)}`;
  console.log(`${cpus().length} x ${model}, Linux ${release()}, Bun ${Bun.version}, ${load()}\n`);
  console.log(await benchProgramStart());
  console.log(await benchApply());
  console.log(await benchMachineStart(os as HostOs));
  console.log(await benchRelay(os as HostOs));
  console.log(await benchHealth(os as HostOs));
  console.log(await benchConnector(os as HostOs));
  console.log(await benchSnapshots());
  console.log(
    `At the end: ${load()}. With a load above 1 the figures say more of the machine than of mbctl.`,
  );
} else {
  console.error(`Cannot boot "${os}": the lab knows ${hostOses.join(", ")}`);
  process.exitCode = 2;
}
