/** Registries that refuse, fail or lie: a code, words, and nothing changed. */

import { afterAll, beforeAll, describe, test } from "bun:test";
import { truncateSync } from "node:fs";
import { join } from "node:path";
import { Registry } from "../lab/registry.ts";
import { type BadLab, expectRefusal, pull, startBadLab } from "./_bad_lab.ts";
import { labTimeoutMs, mbctlOut, testedHost, testTimeoutMs } from "./_lab.ts";

describe.each(testedHost)("on %s", (os) => {
  let lab: BadLab;
  beforeAll(async () => {
    lab = await startBadLab(os);
  }, labTimeoutMs);
  afterAll(async () => await lab[Symbol.asyncDispose](), labTimeoutMs);

  test("an unknown tag", async () => {
    await expectRefusal(
      lab.host,
      pull("localhost:5000/app:nope"),
      /^exit 5\nmbctl: Cannot read image "localhost:5000\/app:nope": skopeo failed\n {2}because: .*manifest unknown.*\nhint: .+\n$/,
    );
  });

  test("an unknown repository", async () => {
    await expectRefusal(
      lab.host,
      pull("localhost:5000/nope"),
      /^exit 5\nmbctl: Cannot read image "localhost:5000\/nope:latest": skopeo failed\n {2}because: .+\nhint: .+\n$/,
    );
  });

  test("a registry that is down", async () => {
    await lab.registry.down();
    try {
      await expectRefusal(
        lab.host,
        pull(lab.image),
        /^exit 5\nmbctl: Cannot read image "localhost:5000\/app:latest": skopeo failed\n {2}because: .*connection refused.*\nhint: .+\n$/,
      );
    } finally {
      await lab.registry.up();
    }
  });

  test("a registry without TLS that nobody said is so", async () => {
    await expectRefusal(
      lab.host,
      ["machines", "pull", lab.image, "web", "--mount=/data=data", "--pull=always"],
      /^exit 5\nmbctl: Cannot read image "localhost:5000\/app:latest": skopeo failed\n {2}because: .+\nhint: .*--tls-verify=false.*\n$/,
    );
  });

  test(
    "a certificate that nobody trusts",
    async () => {
      const tls = await Registry.start(lab.host, { port: 5002, isTls: true });
      const { reference } = await tls.push(lab.layout, "app");
      await expectRefusal(
        lab.host,
        ["machines", "pull", reference, "web", "--mount=/data=data"],
        /^exit 5\nmbctl: Cannot read image "localhost:5002\/app:latest": skopeo failed\n {2}because: .*x509.*\nhint: .+\n$/,
      );
      await tls.down();
    },
    testTimeoutMs,
  );

  test(
    "no password, and a wrong one",
    async () => {
      const login = { user: "joe", password: "right" };
      const closed = await Registry.start(lab.host, { port: 5001, login });
      const { reference } = await closed.push(lab.layout, "app");
      const said =
        /^exit 5\nmbctl: Cannot read image "localhost:5001\/app:latest": skopeo failed\n {2}because: .+\nhint: .*skopeo login.*\n$/;
      await expectRefusal(lab.host, pull(reference), said);
      const account = (password: string) =>
        JSON.stringify({
          auths: { "localhost:5001": { auth: Buffer.from(`joe:${password}`).toString("base64") } },
        });
      await lab.host.writeFile("/root/auth.json", account("wrong"), "0600");
      await expectRefusal(lab.host, pull(reference, "--authfile=auth.json"), said);
      await lab.host.writeFile("/root/auth.json", account("right"), "0600");
      await mbctlOut(lab.host, pull(reference, "--authfile=auth.json"));
      await mbctlOut(lab.host, ["machines", "remove", "web", "--yes"]);
      await closed.down();
    },
    testTimeoutMs,
  );

  test("a blob that the registry holds a part of", async () => {
    const manifest = JSON.parse(
      (
        await lab.host.run([
          "skopeo",
          "inspect",
          "--raw",
          "--tls-verify=false",
          `docker://${lab.image}`,
        ])
      ).stdout,
    );
    const { digest, size } = manifest.layers[0];
    const path = join(lab.host.dir, "root", lab.registry.blobPath(digest));
    await lab.host.run(["cp", lab.registry.blobPath(digest), "/var/tmp/blob"]);
    truncateSync(path, Math.floor(size / 2));
    await lab.host.run(["rm", `/var/cache/mbctl/blobs/${digest.replace(":", "/")}`]);
    try {
      await expectRefusal(
        lab.host,
        pull(lab.image),
        /^exit 5\nmbctl: Cannot fetch blob "sha256:\w{64}" of "localhost:5000\/app:latest": .+\nhint: .+\n$/,
      );
    } finally {
      await lab.host.run(["cp", "/var/tmp/blob", lab.registry.blobPath(digest)]);
    }
  });
});
