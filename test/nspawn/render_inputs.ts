import { DEFAULT_PATH } from "../../lib/env/split_environment.ts";
import {
  DEFAULT_NSPAWN_SETTINGS,
  type NspawnBind,
  type NspawnSettings,
} from "../../lib/nspawn/render.ts";
import { NASTY_ENVIRONMENT, NASTY_PATHS, NASTY_WORDS } from "./nasty_values.ts";

const bind = (source: string, target: string): NspawnBind => ({
  source,
  target,
  isIdmapped: true,
  isReadOnly: false,
});
const envFile = (name: string) =>
  bind(`/var/lib/man8machine_configs/${name}/man8env.env`, "/man8env.env");

/** The inputs of the golden files, by the file's name. */
export const RENDER_INPUTS: Readonly<Record<string, NspawnSettings>> = {
  registry: {
    ...DEFAULT_NSPAWN_SETTINGS,
    environment: [
      ["PATH", DEFAULT_PATH],
      ["TERM", "xterm-256color"],
      ["LANG", "C.UTF-8"],
    ],
    workingDirectory: "/",
    binds: [
      envFile("Man8Registry"),
      bind("/var/lib/man8machine_storage/Man8Registry/var/lib/registry", "/var/lib/registry"),
    ],
  },
  nginx: {
    ...DEFAULT_NSPAWN_SETTINGS,
    environment: [
      ["PATH", DEFAULT_PATH],
      ["TERM", "xterm-256color"],
      ["HOME", "/root"],
      ["LANG", "C.UTF-8"],
      ["MAN8S_ESCAPED_BANNER", "one\\ntwo \\\\ three"],
    ],
    workingDirectory: "/usr/share/nginx/html",
    binds: [
      envFile("Web"),
      bind("/var/lib/man8machine_configs/Web/etc/nginx", "/etc/nginx"),
      bind("/var/lib/man8machine_storage/Web/var/cache/nginx", "/var/cache/nginx"),
      {
        source: "/srv/site: one",
        target: "/usr/share/nginx/html",
        isIdmapped: true,
        isReadOnly: true,
      },
      {
        source: "/etc/ssl/certs",
        target: "/etc/ssl/certs",
        isIdmapped: false,
        isReadOnly: true,
      },
    ],
    network: { isVirtualEthernet: true, bridge: "br-lan.7" },
  },
  nasty: {
    ...DEFAULT_NSPAWN_SETTINGS,
    parameters: ["/man8s-init/00-init.sh", ...NASTY_WORDS.slice(0, -1)],
    environment: [["PATH", DEFAULT_PATH], ...NASTY_ENVIRONMENT.slice(0, -1)],
    user: "worker",
    workingDirectory: "/trailing backslash\\",
    restrictAddressFamilies: [],
    binds: NASTY_PATHS.map((path, index) => ({
      ...bind(`/srv${path}`, path),
      isIdmapped: index % 2 === 0,
    })),
    network: { isVirtualEthernet: true },
  },
  lan: {
    ...DEFAULT_NSPAWN_SETTINGS,
    network: { isVirtualEthernet: false, macvlan: "eth0.20" },
  },
  host: { ...DEFAULT_NSPAWN_SETTINGS, network: { isPrivate: false, isVirtualEthernet: false } },
  private: { ...DEFAULT_NSPAWN_SETTINGS, network: { isPrivate: true, isVirtualEthernet: false } },
};
