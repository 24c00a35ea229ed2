/**
 * The bridge and its networks in config.toml.
 *
 * @module
 */

import { formatPrefix } from "../address/ipv6.ts";
import { readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { setConfigValue } from "../config/edit_config.ts";
import { parseHostConfig } from "../config/host_config.ts";
import { foldersBelow } from "../paths.ts";
import { defaultHostNetworks, type HostNetwork } from "../network/host_network.ts";
import { formatIpv4Network } from "../network/ipv4.ts";
import { checkBridgeIpv4, checkUla, type NetworkWishes } from "./choose_network.ts";
import type { WantedFile } from "./file_state.ts";

/**
 * What config.toml says; a default counts as nothing said.
 *
 * @throws {MbctlError} (usage) for a network that is not one for machines.
 */
export function configuredNetworks({ config }: Host): NetworkWishes {
  const isDefaultIpv4 =
    formatIpv4Network(config.ipv4) === formatIpv4Network(defaultHostNetworks.ipv4);
  return {
    ula: config.ula === defaultHostNetworks.ula ? undefined : checkUla(config.ula),
    ipv4: isDefaultIpv4 ? undefined : checkBridgeIpv4(config.ipv4),
  };
}

/** config.toml, where it has to say something else. */
export function configFile(host: Host, network: HostNetwork): WantedFile[] {
  const path = foldersBelow(host.root).hostConfiguration;
  const before = readTextIfPresent(path);
  const formatted = (value: Omit<HostNetwork, "prefix">) => ({
    bridge: value.bridge,
    ula: formatPrefix(value.ula),
    ipv4: formatIpv4Network(value.ipv4),
  });
  const is = formatted(parseHostConfig(before, path));
  const wanted = Object.entries(formatted(network));
  const differs = wanted.filter(([key, value]) => is[key as keyof typeof is] !== value);
  if (differs.length === 0) return [];
  const edited = differs.reduce<string | undefined>(
    (content, [key, value]) => setConfigValue(content, key, value),
    before,
  );
  return [{ path, text: edited ?? "", mode: 0o644 }];
}
