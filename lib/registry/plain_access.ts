/**
 * Whether the way to a registry is plain enough to fetch blobs without skopeo,
 * and with which account. Anything that this file does not know leads to skopeo,
 * which has opened the image by then: a wrong "plain" would cost a failed request
 * and never a wrong blob, a wrong "not plain" costs speed alone.
 *
 * @module
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { RegistryRef } from "../image/reference.ts";
import { type Account, findAccount, type NotPlain } from "./auth_file.ts";
import { whyTouched } from "./registries_conf.ts";

/** A way to a registry without mirrors, helpers, certificates and proxies of its own. */
export interface PlainAccess {
  readonly account: Account | undefined;
  /** false accepts plain HTTP and any certificate. */
  readonly tlsVerify: boolean;
  /** The certificates that the host trusts, as PEM; undefined when none is to be verified. */
  readonly authorities: string | undefined;
}

export interface AccessOptions {
  /** false accepts plain HTTP and any certificate; default true. */
  readonly tlsVerify?: boolean | undefined;
  /** Another auth.json than skopeo's own choice. */
  readonly authFile?: string | undefined;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Where /etc and /usr/share are, for tests; skopeo knows no other place than "/". */
  readonly root?: string;
}

/**
 * Variables that lead elsewhere. Bun's fetch obeys the proxies, but reads NO_PROXY in
 * another way than Go does (no networks, for one).
 */
const detours =
  /^(?:(?:HTTPS?|ALL)_PROXY|CONTAINERS_REGISTRIES_CONF(?:_DIR)?|REGISTRIES_CONFIG_PATH)$/i;

/** Looks at everything that skopeo would look at for this repository. */
export function readAccess(ref: RegistryRef, options: AccessOptions = {}): PlainAccess | NotPlain {
  const { tlsVerify = true, authFile, environment = process.env, root = "/" } = options;
  const detour = Object.keys(environment).find((name) => environment[name] && detours.test(name));
  if (detour !== undefined) return { notPlain: `the variable ${detour} is set` };
  try {
    const home = environment.HOME || "/root";
    const { registry } = ref;
    for (const path of registriesFiles(root, home)) {
      const text = readText(path);
      const touched = text === undefined ? undefined : whyTouched(text, path, ref);
      if (touched !== undefined) return { notPlain: touched };
    }
    for (const folder of certificateFolders(root, home)) {
      const path = join(folder, registry);
      if (existsSync(path)) return { notPlain: `${path} has certificates for it` };
    }
    const uid = process.getuid?.() ?? 0;
    const found = findAccount(ref, authFile, { environment, uid, readText });
    if ("notPlain" in found) return found;
    const authorities = tlsVerify ? readAuthorities(root, environment) : undefined;
    if (tlsVerify && authorities === undefined) {
      return { notPlain: "the certificates that this host trusts were not found" };
    }
    return { account: found.account, tlsVerify, authorities };
  } catch (error) {
    // A file that cannot be read: skopeo says it better.
    return { notPlain: error instanceof Error ? error.message : String(error) };
  }
}

/** The system's and the user's file, which replace one another, and all drop-ins. */
function registriesFiles(root: string, home: string): string[] {
  const folders = [
    join(root, "etc/containers"),
    join(root, "usr/share/containers"),
    join(home, ".config/containers"),
  ];
  return folders.flatMap((folder) => {
    const dropIns = join(folder, "registries.conf.d");
    const names = existsSync(dropIns) ? readdirSync(dropIns).sort() : [];
    return [
      join(folder, "registries.conf"),
      ...names.filter((name) => name.endsWith(".conf")).map((name) => join(dropIns, name)),
    ];
  });
}

/** containers-certs.d(5) */
function certificateFolders(root: string, home: string): string[] {
  return [
    join(home, ".config/containers/certs.d"),
    join(root, "etc/containers/certs.d"),
    join(root, "etc/docker/certs.d"),
  ];
}

/**
 * Bun trusts Mozilla's list, as of its release. skopeo, as every program of Go, trusts the first
 * of these files (crypto/x509, root_linux.go), where an administrator adds and removes.
 */
const authorityFiles: readonly string[] = [
  "etc/ssl/certs/ca-certificates.crt",
  "etc/pki/tls/certs/ca-bundle.crt",
  "etc/ssl/ca-bundle.pem",
  "etc/pki/tls/cacert.pem",
  "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "etc/ssl/cert.pem",
];

function readAuthorities(
  root: string,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const named = environment.SSL_CERT_FILE;
  if (named) return readText(named);
  for (const file of authorityFiles) {
    const text = readText(join(root, file));
    if (text !== undefined) return text;
  }
  return undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}
