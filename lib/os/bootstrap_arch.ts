/**
 * Arch Linux, by pacstrap(8).
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import {
  bootstrapFolder,
  type BootstrapPlan,
  type BootstrapRequest,
  requireKey,
} from "./bootstrap_request.ts";

/** Leads to a mirror nearby. */
const ownMirror = "https://geo.mirror.pkgbuild.com";

/** @throws {MbctlError} (host) on another processor: Arch Linux is for x86-64 alone. */
export function pacstrapPlan(request: BootstrapRequest): BootstrapPlan {
  const { name, packages, tree, host, mirror = ownMirror } = request;
  if (host.architecture !== "x64") {
    throw new MbctlError(
      "host",
      `Cannot make a system of "${name}": Arch Linux is for x86-64 processors alone`,
      { hint: "choose another distribution: mbctl machines create NAME --os debian:trixie" },
    );
  }
  requireKey(request, ["/usr/share/pacman/keyrings/archlinux.gpg"], "archlinux-keyring");
  const server = `Server = ${mirror}/$repo/os/$arch\n`;
  const configuration = `${bootstrapFolder}/pacman.conf`;
  return {
    program: "pacstrap",
    before: [
      {
        path: configuration,
        // The host may be no Arch Linux, and its mirrors are its own.
        text: `[options]
Architecture = x86_64
SigLevel = Required DatabaseOptional
[core]
${server}[extra]
${server}`,
      },
    ],
    commands: [
      // -K: a keyring of its own, from the host's keys; -M: not the host's list of mirrors.
      ["pacstrap", "-C", `${tree}${configuration}`, "-K", "-M", tree, ...packages],
    ],
    after: [{ path: "/etc/pacman.d/mirrorlist", text: server }],
    caches: ["/var/cache/pacman/pkg"],
  };
}
