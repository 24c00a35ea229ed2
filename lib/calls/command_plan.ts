/**
 * What it takes to run one lent command. Data; whoever serves a connector makes it, for each call.
 *
 * @module
 */

export interface CommandPlan {
  /** A program of the host by its absolute path, and its words. nsenter(1) may wait there for the command itself. */
  readonly argv: readonly string[];
  /** The whole environment. */
  readonly environment: Readonly<Record<string, string>>;
  /**
   * Absolute path of the cgroup in which the command gets one of its own: all that it starts is in it, and ends with it.
   * Without one, whoever leaves the command's tree of processes gets away.
   */
  readonly cgroup?: string | undefined;
  /** The root of the machine's files as the host sees it (`/proc/PID/root`): its terminals are there. Default: the host's. */
  readonly root?: string | undefined;
  /** Whose the command is, as the host counts: the terminal becomes his. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
}
