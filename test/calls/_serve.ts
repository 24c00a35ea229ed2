/**
 * A connector's server for tests, on descriptor 3: lends `run`, which is its words, and `in-namespace`, which is its words
 * behind nsenter. Options stand on the command line as JSON.
 */

import process from "node:process";
import { CallError } from "../../lib/calls/call_error.ts";
import { type ConnectorOptions, serveConnector } from "../../lib/calls/server.ts";

export type ServeOptions = Partial<
  Pick<ConnectorOptions, "exitIdleMs" | "graceMs" | "requestMs" | "clientLimit">
> & {
  readonly cgroup?: string;
  /** Nobody may use it. */
  readonly isClosed?: boolean;
  /** A process in whose namespaces `in-namespace` runs. */
  readonly target?: number;
  /** How long a plan takes. */
  readonly planMs?: number;
};

if (import.meta.main) {
  const options = JSON.parse(process.argv[2] ?? "{}") as ServeOptions;
  const { cgroup, isClosed = false, target, planMs = 0, ...limits } = options;
  await serveConnector({
    exitIdleMs: 60_000,
    ...limits,
    listener: 3,
    name: "test",
    isAllowed: ({ uid, cgroup }) => !isClosed && uid === 0 && cgroup !== undefined,
    async plan([command, ...words], { hasTerminal }) {
      await Bun.sleep(planMs);
      if (!["run", "in-namespace"].includes(command)) {
        throw new CallError(127, `Cannot run "${command}": it is not lent`, "mbctl connector list");
      }
      const enter =
        command === "run"
          ? []
          : ["/usr/bin/nsenter", `--target=${target}`, "--pid", "--mount", "--"];
      const session = hasTerminal ? ["/usr/bin/setsid", "--ctty"] : [];
      return {
        argv: [...enter, ...session, ...words],
        environment: { PATH: "/usr/bin:/bin", SERVED: "yes" },
        cgroup,
        root: "/",
      };
    },
  });
}
