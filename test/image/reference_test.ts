import { expect, test } from "bun:test";
import fc from "fast-check";
import { MbctlError } from "../../lib/errors.ts";
import { parseDigest } from "../../lib/image/digest.ts";
import {
  formatImageRef,
  type ImageRef,
  parseImageRef,
  pinned,
  resolveImagePath,
  skopeoSource,
} from "../../lib/image/reference.ts";

const hex = "2d0e2a2fe6f21534177bb3777a87c184daf305a31f2a69a14bf444e048d49f8d";
const digest = `sha256:${hex}`;
const hex512 = hex + hex;

/** What a user types, and the complete reference. */
const good: readonly (readonly [text: string, complete: string])[] = [
  ["registry", "docker.io/library/registry:latest"],
  ["docker.io/registry:latest", "docker.io/library/registry:latest"],
  ["docker.io/library/registry", "docker.io/library/registry:latest"],
  ["index.docker.io/registry:2", "docker.io/library/registry:2"],
  ["docker://registry:2", "docker.io/library/registry:2"],
  ["DOCKER://registry:2", "docker.io/library/registry:2"],
  ["docker", "docker.io/library/docker:latest"],
  ["docker:cli", "docker.io/library/docker:cli"],
  ["grafana/grafana", "docker.io/grafana/grafana:latest"],
  ["localhost/x", "localhost/x:latest"],
  ["localhost:5000/x", "localhost:5000/x:latest"],
  ["localhost:5000", "docker.io/library/localhost:5000"],
  ["Host/x", "Host/x:latest"],
  ["quay.io/a/b/c_d.e__f---g:V1.0-rc_2", "quay.io/a/b/c_d.e__f---g:V1.0-rc_2"],
  ["127.0.0.1:5000/x:1", "127.0.0.1:5000/x:1"],
  ["[300:1::1]:5000/x", "[300:1::1]:5000/x:latest"],
  ["[300:1::1]/x:y", "[300:1::1]/x:y"],
  [`nginx@${digest}`, `docker.io/library/nginx@${digest}`],
  [`nginx:1.29@${digest}`, `docker.io/library/nginx:1.29@${digest}`],
  [`host:5000/a/b@${digest}`, `host:5000/a/b@${digest}`],
  [`x@sha512:${hex512}`, `docker.io/library/x@sha512:${hex512}`],
  [`x:${"t".repeat(128)}`, `docker.io/library/x:${"t".repeat(128)}`],
  [hex.slice(1), `docker.io/library/${hex.slice(1)}:latest`],
  ["oci:/srv/image", "oci:/srv/image"],
  ["oci:///srv/image:x", "oci:///srv/image:x"],
  ["oci:image:latest", "oci:image:latest"],
  ["oci:image:a/b:c@d", "oci:image:a/b:c@d"],
  ["oci-archive:x.tar:v1", "oci-archive:x.tar:v1"],
  ["docker-archive:x.tar:docker.io/library/x:1", "docker-archive:x.tar:docker.io/library/x:1"],
  ["docker-archive:x.tar:@0", "docker-archive:x.tar:@0"],
  ["dir:/srv/a:b", "dir:/srv/a:b"],
];

test("parseImageRef() completes what a user types", () => {
  const rows = good.map(([text]) => [text, formatImageRef(parseImageRef(text))] as const);
  expect(rows).toEqual([...good]);
});

/** What a user types, and why it is refused. */
const bad: readonly (readonly [text: string, state: string])[] = [
  ["", "it is empty"],
  ["docker://", "it is empty"],
  [" x", "it has white space"],
  ["x y", "it has white space"],
  ["x\n", "it has white space"],
  ["x:", "the tag is empty"],
  [":x", "the repository is empty"],
  ["x@", "the digest is empty"],
  ["@sha256:00", "the repository is empty"],
  ["/x", "it looks like a path"],
  ["./x", "it looks like a path"],
  ["../x:1", "it looks like a path"],
  ["x/", 'the repository has an empty part beside a "/"'],
  ["a//b", 'the repository has an empty part beside a "/"'],
  ["host.io/", "the repository is empty"],
  ["docker.io/", "the repository is empty"],
  ["Nginx", "the repository has upper-case letters"],
  ["host.io/a/B", "the repository has upper-case letters"],
  ["-x", '"-x" has a separator at its edge or two that differ in a row'],
  ["x-", '"x-" has a separator at its edge or two that differ in a row'],
  ["a._b", '"a._b" has a separator at its edge or two that differ in a row'],
  ["a..b", '"a..b" has a separator at its edge or two that differ in a row'],
  ["a___b", '"a___b" has a separator at its edge or two that differ in a row'],
  ["a$b", 'the repository has "$", which is not allowed in it'],
  ["nginx\u00e9", 'the repository has "\u00e9", which is not allowed in it'],
  ["~/x", 'the repository has "~", which is not allowed in it'],
  ["x".repeat(256), "the repository has 264 characters, more than 255"],
  [hex, "64 hexadecimal digits are an image's ID, not its name"],
  ["x:a:b", "it has two tags"],
  ["x:.a", 'the tag begins with "."'],
  ["x:-a", 'the tag begins with "-"'],
  ["x:a+b", 'the tag has "+", which is not allowed in it'],
  [`x:${"t".repeat(129)}`, "the tag has 129 characters, more than 128"],
  ["host:port/x", '"port" is no port'],
  ["host:0/x", '"0" is no port'],
  ["host:65536/x", '"65536" is no port'],
  ["host:/x", '"" is no port'],
  ["-host.io/x", '"-host.io" is no host name'],
  ["host..io/x", '"host..io" is no host name'],
  ["ho_st.io/x", '"ho_st.io" is no host name'],
  ["[300::1/x", '"[300::1" is no registry'],
  ["[]:5000/x", '"[]" is no IPv6 address'],
  ["[300::1::2]:5000/x", '"[300::1::2]" is no IPv6 address'],
  ["[fe80::1%eth0]/x", '"[fe80::1%eth0]" is no IPv6 address'],
  ["300::1:5000/x", '"300::1:5000" is no registry'],
  ["x@sha256", "the digest names no algorithm"],
  [`x@${hex}`, "the digest names no algorithm"],
  [`x@md5:${hex}`, 'the digest algorithm "md5" is not supported'],
  ["x@sha256:abc", "the digest has 3 hexadecimal digits, not 64"],
  [`x@${digest.replace("d", "D")}`, "the digest has upper-case letters"],
  [`x@sha256:${"g".repeat(64)}`, "the digest has a character that is no hexadecimal digit"],
  [`x@${digest}:tag`, "the digest has a character that is no hexadecimal digit"],
  ["https://host/x", '"https://" is no image source'],
  ["ftp://host/x", '"ftp://" is no image source'],
  ["docker-daemon:x:1", 'the source "docker-daemon:" is not supported'],
  ["containers-storage:x", 'the source "containers-storage:" is not supported'],
  ["oci:", "the path is empty"],
  ["oci::x", "the path is empty"],
  ["oci:path:", "the name after the path is empty"],
  ["oci:path:a b", '"a b" is no name of an image'],
  ["oci-archive:", "the path is empty"],
  ["docker-archive:", "the path is empty"],
  ["dir:", "the path is empty"],
  ["dir:a\nb", "it has a control character"],
];

test("parseImageRef() says what is wrong with a reference, and gives a hint", () => {
  const rows = bad.map(([text]) => {
    const error = errorOf(() => parseImageRef(text));
    expect([text, error.kind, typeof error.hint]).toEqual([text, "usage", "string"]);
    return [text, error.message] as const;
  });
  expect(rows).toEqual(
    bad.map(([text, state]) => [
      text,
      `Cannot parse image reference ${JSON.stringify(text)}: ${state}`,
    ]),
  );
});

test("parseImageRef() refuses an account and does not repeat it", () => {
  const rows = [
    "me:secret@host/x",
    "docker://me:secret@host/x:1",
    "me:se/cret@host/x",
    "me:se@cret@host/x",
    `me:secret@host/x@${digest}`,
  ].map((text) => errorOf(() => parseImageRef(text)).message);
  expect(rows).toEqual([
    'Cannot parse image reference "***@host/x": it holds an account',
    'Cannot parse image reference "docker://***@host/x:1": it holds an account',
    'Cannot parse image reference "***@host/x": it holds an account',
    'Cannot parse image reference "***@host/x": it holds an account',
    `Cannot parse image reference "***@host/x@${digest}": it holds an account`,
  ]);
  expect(errorOf(() => parseImageRef("https://me:secret@host/x")).message).toBe(
    'Cannot parse image reference "https://***@host/x": "https://" is no image source',
  );
});

test("parseImageRef() gives the parts of a reference", () => {
  expect(parseImageRef(`host:5000/a/b:1@${digest}`)).toEqual({
    transport: "docker",
    registry: "host:5000",
    repository: "a/b",
    tag: "1",
    digest: parseDigest(digest),
  });
  expect(parseImageRef("oci:a/b:c")).toEqual({
    transport: "oci",
    path: "a/b",
    name: "c",
  });
  expect(parseImageRef("dir:a:b")).toEqual({ transport: "dir", path: "a:b" });
});

test("skopeoSource() leaves the tag out beside a digest", () => {
  const source = (text: string) => skopeoSource(parseImageRef(text));
  expect(source("nginx:1")).toBe("docker://docker.io/library/nginx:1");
  expect(source(`nginx:1@${digest}`)).toBe(`docker://docker.io/library/nginx@${digest}`);
  expect(source("oci:a:b")).toBe("oci:a:b");
  expect(source("dir:a:b")).toBe("dir:a:b");
});

test("pinned() keeps the tag for people", () => {
  const ref = parseImageRef("nginx:1");
  if (ref.transport !== "docker") throw new Error("not from a registry");
  expect(formatImageRef(pinned(ref, parseDigest(digest)))).toBe(
    `docker.io/library/nginx:1@${digest}`,
  );
});

test("resolveImagePath() makes local paths absolute", () => {
  const resolve = (text: string) => formatImageRef(resolveImagePath(parseImageRef(text), "/srv/x"));
  expect(resolve("oci:a:b")).toBe("oci:/srv/x/a:b");
  expect(resolve("docker-archive:../a.tar")).toBe("docker-archive:/srv/a.tar");
  expect(resolve("dir:/a")).toBe("dir:/a");
  expect(resolve("nginx")).toBe("docker.io/library/nginx:latest");
  expect(errorOf(() => resolveImagePath(parseImageRef("oci:a:b"), "/srv/x:y")).message).toBe(
    'Cannot parse image reference "oci:a:b": the path "/srv/x:y/a" has a colon',
  );
});

const alnum = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const part = fc
  .array(fc.tuple(alnum, fc.constantFrom("", ".", "_", "__", "-", "---")), {
    minLength: 1,
    maxLength: 3,
  })
  .chain((list) => alnum.map((end) => list.map(([word, gap]) => word + gap).join("") + end));
const registryRef = fc.record(
  {
    transport: fc.constant("docker" as const),
    registry: fc.constantFrom(
      "localhost",
      "quay.io",
      "host:5000",
      "[300::1]:5000",
      "[::1]",
      "10.0.0.1:80",
    ),
    repository: fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/")),
    tag: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/),
    digest: fc.stringMatching(/^[0-9a-f]{64}$/).map((text) => parseDigest(`sha256:${text}`)),
  },
  { requiredKeys: ["transport", "registry", "repository"] },
);
const localRef = fc.oneof(
  fc.record(
    {
      transport: fc.constantFrom("oci" as const, "oci-archive" as const, "docker-archive" as const),
      path: fc.stringMatching(/^[A-Za-z0-9 _./@-]+$/),
      name: fc.stringMatching(/^[A-Za-z0-9_.@][A-Za-z0-9_.:/@-]*$/),
    },
    { requiredKeys: ["transport", "path"] },
  ),
  fc.record({
    transport: fc.constant("dir" as const),
    path: fc.stringMatching(/^[!-~ ]+$/),
  }),
);

test("parseImageRef() is the inverse of formatImageRef()", () => {
  fc.assert(
    fc.property(fc.oneof(registryRef, localRef), (ref: ImageRef) => {
      // Without tag and digest the parser adds the default tag: no such value exists.
      fc.pre(ref.transport !== "docker" || ref.tag !== undefined || ref.digest !== undefined);
      expect(parseImageRef(formatImageRef(ref))).toEqual(ref);
    }),
  );
});

test("parseImageRef() answers any text with a complete reference or a usage error", () => {
  const pieces = fc.constantFrom(
    "a",
    "B",
    "1",
    ":",
    "/",
    "@",
    ".",
    "_",
    "-",
    "[",
    "]",
    "sha256:",
    digest,
    "docker://",
    "oci:",
    " ",
    "é",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(pieces, { maxLength: 12 }).map((list) => list.join("")),
      ),
      (text) => {
        let ref: ImageRef;
        try {
          ref = parseImageRef(text);
        } catch (error) {
          expect(error instanceof MbctlError && error.kind).toBe("usage");
          return;
        }
        expect(parseImageRef(formatImageRef(ref))).toEqual(ref);
      },
    ),
  );
});

function errorOf(action: () => unknown): MbctlError {
  try {
    action();
  } catch (error) {
    if (error instanceof MbctlError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}
