import { describe, expect, test } from "bun:test";
import { readFigures, readNetworkFigures } from "../../lib/watch/cgroup_figures.ts";

/** Linux 6.12, of a unit with all controllers. */
const texts = {
  "cpu.stat":
    "usage_usec 1234567\nuser_usec 1000000\nsystem_usec 234567\nnice_usec 0\nnr_periods 0\n",
  "memory.current": "10485760\n",
  "memory.peak": "20971520\n",
  "memory.max": "max\n",
  "pids.current": "7\n",
  "pids.max": "16384\n",
  "io.stat":
    "254:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n8:0 rbytes=1 wbytes=2 rios=1 wios=1 dbytes=9 dios=1\n7:0 \n",
};

describe("readFigures()", () => {
  test("reads what the kernel counts", () => {
    expect(readFigures(texts)).toEqual({
      cpuUsec: 1_234_567,
      memoryBytes: 10_485_760,
      memoryPeakBytes: 20_971_520,
      tasks: 7,
      tasksLimit: 16_384,
      readBytes: 4097,
      writtenBytes: 8194,
    });
    expect(readFigures({ "memory.max": "536870912\n" })).toEqual({ memoryLimitBytes: 536_870_912 });
  });

  test("leaves out what is not there, or is none of it", () => {
    expect(readFigures({})).toEqual({});
    expect(
      readFigures({ "memory.current": "", "pids.current": "-1\n", "cpu.stat": "x 1\n" }),
    ).toEqual({});
    expect(readFigures({ "io.stat": "" })).toEqual({ readBytes: 0, writtenBytes: 0 });
  });
});

describe("readNetworkFigures()", () => {
  test("sums all interfaces but the loopback", () => {
    expect(
      readNetworkFigures(`Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:    9999      10    0    0    0     0          0         0     9999      10    0    0    0     0       0          0
 host0:    1500      20    0    0    0     0          0         0      700       9    0    0    0     0       0          0
mv-eth0:123 1 0 0 0 0 0 0 77 1 0 0 0 0 0 0
`),
    ).toEqual({ receivedBytes: 1623, sentBytes: 777 });
    expect(readNetworkFigures("")).toEqual({ receivedBytes: 0, sentBytes: 0 });
  });
});
