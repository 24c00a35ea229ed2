import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseImageRef, type RegistryRef } from "../../lib/image/reference.ts";
import { type AccessOptions, readAccess } from "../../lib/registry/plain_access.ts";
import { workshop } from "./_workshop.ts";

const { path } = workshop();
const bundle = "etc/ssl/certs/ca-certificates.crt";
const table = '[[registry]]\nlocation = "example.com:5000"\n';

/** What is found where these files are, `home/` being HOME. */
function access(files: Readonly<Record<string, string>>, more: AccessOptions = {}) {
  const root = path("root-*");
  for (const [name, text] of Object.entries({ [bundle]: "PEM", ...files })) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  const environment = { HOME: join(root, "home"), ...more.environment };
  const ref = parseImageRef("example.com:5000/ns/repo") as RegistryRef;
  const found = readAccess(ref, { ...more, environment, root });
  return "notPlain" in found ? found.notPlain.replaceAll(`${root}/`, "") : found;
}

const plain = { account: undefined, tlsVerify: true, authorities: "PEM" };

describe("readAccess()", () => {
  test("finds a plain way where nothing is set", () => {
    expect(access({})).toEqual(plain);
    expect(access({}, { tlsVerify: false })).toEqual({
      ...plain,
      tlsVerify: false,
      authorities: undefined,
    });
  });

  test("finds the account", () => {
    const auth = Buffer.from("a:b").toString("base64");
    const file = JSON.stringify({ auths: { "example.com:5000": { auth } } });
    expect(access({ "home/.docker/config.json": file })).toEqual({
      ...plain,
      account: { user: "a", password: "b" },
    });
  });

  test.each([
    ["etc/containers/registries.conf", table, " has settings for it"],
    ["etc/containers/registries.conf.d/50-x.conf", table, " has settings for it"],
    ["usr/share/containers/registries.conf", table, " has settings for it"],
    ["home/.config/containers/registries.conf", table, " has settings for it"],
    ["home/.config/containers/registries.conf.d/x.conf", table, " has settings for it"],
    ["home/.docker/config.json", "{", " cannot be read"],
  ])("leaves what %s touches to skopeo", (file, text, said) => {
    expect(access({ [file]: text })).toBe(file + said);
  });

  test("reads no drop-in that is not called *.conf", () => {
    expect(access({ "etc/containers/registries.conf.d/x.conf.bak": table })).toEqual(plain);
  });

  test.each(["home/.config/containers", "etc/containers", "etc/docker"])(
    "leaves a registry with certificates of its own in %s/certs.d to skopeo",
    (folder) => {
      const own = `${folder}/certs.d/example.com:5000`;
      expect(access({ [`${own}/ca.crt`]: "" })).toBe(`${own} has certificates for it`);
      expect(access({ [`${folder}/certs.d/example.com/ca.crt`]: "" })).toEqual(plain);
    },
  );

  test("leaves the ways through a proxy, and other settings by variable, to skopeo", () => {
    for (const name of [
      ...["HTTP_PROXY", "https_proxy", "ALL_PROXY", "REGISTRIES_CONFIG_PATH"],
      "CONTAINERS_REGISTRIES_CONF",
    ]) {
      expect(access({}, { environment: { [name]: "x" } })).toBe(`the variable ${name} is set`);
      expect(access({}, { environment: { [name]: "" } })).toEqual(plain);
    }
    expect(access({}, { environment: { NO_PROXY: "x" } })).toEqual(plain);
  });

  test("trusts what SSL_CERT_FILE names, and does without no certificates at all", () => {
    const other = path("other.pem");
    writeFileSync(other, "OTHER");
    const named = (file: string) => access({}, { environment: { SSL_CERT_FILE: file } });
    expect(named(other)).toEqual({ ...plain, authorities: "OTHER" });
    expect(named("/nonexistent")).toBe("the certificates that this host trusts were not found");
  });

  test("says what it cannot read", () => {
    const found = access({ "etc/containers/registries.conf/x": "" });
    expect(found).toMatch(/^EISDIR/);
  });
});
