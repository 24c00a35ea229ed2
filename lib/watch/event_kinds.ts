/**
 * What can happen to a machine, and the MESSAGE_ID of each (sd_journal_get_catalog(3)): an id is never
 * given another meaning. Those of systemd stand in its sd-messages.h.
 *
 * @module
 */

/** Events that mbctl writes to the journal, by the word in MBCTL_EVENT. */
export const messageIds = {
  pull: "cd6f22bc98d8461b9491978fbc77ed93",
  remove: "f903ef7ec2e94b82b516a161178e984c",
  apply: "d76f78432bba4483b0dddc9f39374c3c",
  adopt: "29ae2d8e31da43c185a61cf0e1da10f0",
  rename: "3d4cf46e2c4448dd94351cf90f6f772a",
  snapshot: "23d6ceee364a4841b5894f0a976c0997",
  rollback: "49a560af08d74584b7129ad51d5b6eb0",
  reset: "d6081d21fe7046b094ffd71cc9319c74",
  upgrade: "41071def69b2402986928929b0cc36ee",
  "went-back": "23410522ad4c47d8ba70a61d843cee28",
  rebuild: "ae7389f8e20b4a5fa884563257a73585",
  export: "4df7ecf462b040c3ada1008fac255767",
  import: "79a27d4ca55048d6b43298d34b7ab64e",
  move: "d1312341daf34fddac8244cb75baa5ad",
  secret: "9f31a262d8424c9e9cc9fcf188fb8dde",
  copy: "455ec9e6d8784918bf5042a092b9b50a",
  /** A machine became healthy or unhealthy; written by the shell of lib/health. */
  health: "f0b8a4c2c5d94b7c9d1f6a1b3e5d7c90",
} as const;

export type EventKind = keyof typeof messageIds;
