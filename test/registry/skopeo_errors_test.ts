import { expect, test } from "bun:test";
import { parseImageRef } from "../../lib/image/reference.ts";
import { damaged } from "../../lib/image/found_image.ts";
import { skopeoFailure } from "../../lib/registry/skopeo.ts";
import { explainRefusal, explainSkopeo } from "../../lib/registry/skopeo_errors.ts";
import said from "../golden/registry/skopeo_errors.json";

const ref = parseImageRef("127.0.0.1:5000/a/b:x");
const login = "check the name, or log in: skopeo login 127.0.0.1:5000";
const answers = "check that the registry answers: curl -v https://127.0.0.1:5000/v2/";

/** The hint for each of the recorded failures, whatever the version. */
const hints: Readonly<Record<keyof typeof said, string | undefined>> = {
  "unknown tag": "see which tags there are: skopeo list-tags docker://127.0.0.1:5000/a/b",
  "plain http": "the registry speaks plain HTTP: add --tls-verify=false",
  "no password": login,
  "wrong password": login,
  "access denied": login,
  "too many requests": "wait, or log in: skopeo login 127.0.0.1:5000",
  "server error": undefined,
  "truncated blob": damaged,
  "wrong blob": damaged,
  "wrong manifest": damaged,
  "broken connection": "the connection broke: run the command again",
  "unknown certificate":
    "put the CA's certificate into /etc/containers/certs.d/127.0.0.1:5000/ca.crt, or add --tls-verify=false",
  "registry down": answers,
  "unknown host": answers,
  "silent registry": answers,
  "policy refuses": "change /etc/containers/policy.json, see containers-policy.json(5)",
  "no policy":
    "install the default policy: apt install golang-github-containers-common | pacman -S containers-common | dnf install containers-common",
  "disk full": "make room on that file system, for instance: mbctl cache clear",
  "unknown name in layout": "name the image in it: docker:PATH:NAME",
  "several in layout": "name the image in it: docker:PATH:NAME",
  "no such path": "check the path",
  "no such archive": "check the path",
  "ipv6 registry": "give the registry a host name in /etc/hosts: skopeo takes no IPv6 address",
  "proxy: unknown tag": "see which tags there are: skopeo list-tags docker://127.0.0.1:5000/a/b",
  "proxy: plain http": "the registry speaks plain HTTP: add --tls-verify=false",
  "proxy: no password": login,
  "proxy: access denied": login,
  "proxy: server error": undefined,
  "proxy: truncated blob": damaged,
  "proxy: broken connection": "the connection broke: run the command again",
  "proxy: unknown blob": damaged,
  "proxy: registry down": answers,
  "proxy: unknown host": answers,
  "proxy: policy refuses": "change /etc/containers/policy.json, see containers-policy.json(5)",
  "proxy: no such path": "check the path",
  "proxy: no such archive": "check the path",
  "proxy: ipv6 registry":
    "give the registry a host name in /etc/hosts: skopeo takes no IPv6 address",
  "refusal: no signature": undefined,
  "refusal: another name": undefined,
  "refusal: another GPG key": undefined,
  "refusal: another sigstore key": undefined,
  "refusal: sigstore left out by Debian": undefined,
  "refusal: reject": "change /etc/containers/policy.json, see containers-policy.json(5)",
  "refusal: reject, of an index":
    "change /etc/containers/policy.json, see containers-policy.json(5)",
};

test("explainSkopeo() has the hint for what skopeo 1.9.3, 1.18.0 and 1.22.0 said", () => {
  const table = Object.entries(said).flatMap(([what, byVersion]) =>
    Object.entries(byVersion).map(([version, stderr]) => [
      what,
      version,
      explainSkopeo(stderr, ref).hint,
    ]),
  );
  const expected = Object.entries(said).flatMap(([what, byVersion]) =>
    Object.keys(byVersion).map((version) => [what, version, hints[what as keyof typeof said]]),
  );
  expect(table).toEqual(expected);
});

test("explainSkopeo() gives skopeo's words without the dress of its log", () => {
  expect(explainSkopeo(said["plain http"]["1.9.3"], ref).reason).toBe(
    'Error parsing image name "docker://127.0.0.1:5000/a/b:x": pinging container registry 127.0.0.1:5000: Get "https://127.0.0.1:5000/v2/": http: server gave HTTP response to HTTPS client',
  );
  expect(explainSkopeo("panic: x\n", ref)).toEqual({ reason: "panic: x" });
  expect(explainSkopeo('level=warning msg="w"\nlevel=fatal msg=short\n', ref).reason).toBe("short");
});

test("explainSkopeo() repeats no account of a URL", () => {
  expect(
    explainSkopeo('level=fatal msg="proxyconnect: http://me:secret@proxy:3128: no"', ref).reason,
  ).toBe("proxyconnect: http://***@proxy:3128: no");
  // An image named by its digest is none; skopeo 1.18 on a policy that refuses it.
  const refused = `Running image docker://nginx@sha256:${"0".repeat(64)} is rejected by policy.`;
  expect(explainSkopeo(`level=fatal msg="${refused}"`, ref).reason).toBe(refused);
});

test("explainRefusal() tells a refusal by the policy from other failures, and names the rule", () => {
  const verification = {
    rules: ["signedBy"],
    scope: "docker:127.0.0.1:5000/a",
    file: "/etc/containers/policy.json",
    isSigned: true,
  };
  for (const [what, byVersion] of Object.entries(said)) {
    for (const stderr of Object.values(byVersion)) {
      const error = skopeoFailure("read", { ref, image: "a/b:x" }, stderr);
      const explained = explainRefusal(error, "a/b:x", verification);
      const isRefusal = what.startsWith("refusal: ") || what.endsWith("policy refuses");
      expect([what, explained !== error]).toEqual([what, isRefusal]);
      if (!isRefusal) continue;
      expect(explained).toMatchObject({
        kind: "tool",
        message: 'Cannot use image "a/b:x": the policy refuses it',
        cause: error.cause,
        hint: 'the rule "signedBy" of "docker:127.0.0.1:5000/a" in /etc/containers/policy.json applies to it, see containers-policy.json(5)',
      });
    }
  }
});
