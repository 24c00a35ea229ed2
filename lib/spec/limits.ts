/**
 * What a machine may use of its host: `[limits]`.
 *
 * @module
 */

export interface Limits {
  /** Bytes; MemoryMax=. */
  readonly memory?: number | undefined;
  /** Of one processor: 1.5 is 150 % (CPUQuota=). */
  readonly cpus?: number | undefined;
  /** Processes and threads; TasksMax=. */
  readonly tasks?: number | undefined;
  /** 1 to 10000, 100 by default; IOWeight=. */
  readonly ioWeight?: number | undefined;
  /** Open files of each process; LimitNOFILE= of the nspawn file. */
  readonly openFiles?: number | undefined;
  /** Bytes of the root tree, on btrfs with quotas. */
  readonly disk?: number | undefined;
}
