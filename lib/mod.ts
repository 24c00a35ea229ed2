/**
 * The public face of mbctl for admin scripts: `import { machineAddress } from "mbctl"`.
 *
 * All of it is pure: nothing here reads a file, runs a program or asks the network.
 * Text is parsed once into a type of its own (`parseImageRef`, `parsePrefix`,
 * `parseMachineName`…), and `formatX` is the inverse of `parseX`. What cannot be
 * parsed is an {@linkcode MbctlError} with a message for people.
 *
 * ```ts
 * import { machineAddressText, parseMachineName, parsePrefix } from "mbctl";
 *
 * const prefix = parsePrefix("300:2e98:a4b0:1789::/64");
 * machineAddressText(parseMachineName("TestBWContainer3"), prefix);
 * // "300:2e98:a4b0:1789:1d44:bc13:a177:c4d"
 * ```
 *
 * @module
 */

// Errors: `kind` says which of the program's exit codes it would be, `hint` what to do next.
export { type ErrorDetails, type ErrorKind, MbctlError, usageError } from "./errors.ts";

// Addresses (RFC 4291, RFC 5952), and what follows from a machine's name.
export {
  formatIpv6,
  formatPrefix,
  type Ipv6,
  type Ipv6Prefix,
  joinAddress,
  parseIpv6,
  parsePrefix,
  prefixOf,
  type Suffix,
  suffixOf,
} from "./address/ipv6.ts";
export {
  formatSuffix,
  isReservedSuffix,
  machineAddress,
  machineAddressText,
  machineSuffix,
} from "./address/machine_address.ts";
export { isYggdrasilPrefix, yggdrasilAddress, yggdrasilPrefix } from "./address/yggdrasil.ts";

// Images: what people type, and what a registry says of one.
export { type Digest, parseDigest } from "./image/digest.ts";
export { formatImageRef, type ImageRef, parseImageRef } from "./image/reference.ts";
export { type ImageConfig, parseImageConfig, parseImageConfigText } from "./image/config.ts";

// The environment of a machine's program, and the one quoter of shell words.
export { formatApplicationArgs } from "./env/application_args.ts";
export type { EnvEntry } from "./env/env_entry.ts";
export { formatEnvFile, type FormatEnvFileOptions, parseEnvFile } from "./env/env_file.ts";
export { quoteWord, quoteWords } from "./env/posix_sh.ts";
export { type SplitEnvironment, splitEnvironment } from "./env/split_environment.ts";

// The files of a machine as systemd reads them.
export { renderUnitDropIn, type UnitDropInSettings } from "./nspawn/machine_unit.ts";
export {
  nspawnText,
  type NspawnValue,
  type NspawnValues,
  nspawnWords,
  readNspawn,
} from "./nspawn/read.ts";
export {
  DEFAULT_NSPAWN_SETTINGS,
  type NspawnBind,
  type NspawnNetwork,
  type NspawnSettings,
  renderNspawn,
} from "./nspawn/render.ts";

// The networks of a host for its machines.
export { defaultHostNetworks, type HostNetwork } from "./network/host_network.ts";
export { formatIpv4Network, type Ipv4Network, parseIpv4Network } from "./network/ipv4.ts";

// A machine as a whole: an image and the user's choices in, all its files out.
export { type MachineName, machineUnit, parseMachineName } from "./spec/machine_name.ts";
export { type HostFacts, type MachineFiles, renderMachine } from "./render/render.ts";
export {
  defaultChoices,
  defaultNetworkChoices,
  type MachineSpec,
  type NetworkChoices,
  type Volume,
} from "./spec/machine_spec.ts";
