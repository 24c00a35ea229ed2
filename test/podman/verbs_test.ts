/** The three verbs as a user meets them: answers, files, exit codes. */

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDeclaration } from "../../lib/spec/machine_toml.ts";
import { verbTable } from "../../scripts/mbctl.ts";
import { renderTranscript, transcript } from "../cli/transcript.ts";
import { expectGolden } from "../golden/golden.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mbctl-convert-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = async (...words: string[]) =>
  await transcript(verbTable, ["machines", ...words], { workingDirectory: folder });
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);

const compose = `services:
  db:
    image: postgres:17
    volumes: [db:/var/lib/postgresql/data]
  web_app:
    image: \${IMAGE:-nginx}
    depends_on: [db]
    ports: [8080:80]
    dns: 1.1.1.1
`;

test("a session", async () => {
  write("compose.yaml", compose);
  write(".env", "IMAGE=nginx:1.27\n");
  write(
    "web.container",
    "[Container]\nImage=docker.io/library/nginx\nPublishPort=8080:80\n[Install]\nWantedBy=default.target\n",
  );
  const sessions: readonly (readonly string[])[] = [
    ["from-run", "docker run -d --name web -p 8080:80 --dns 1.1.1.1 nginx:1.27"],
    ["from-run", "--json", "docker run -d --name web -p 8080:80 --dns 1.1.1.1 nginx:1.27"],
    ["from-run", "--strict", "docker run -d --dns 1.1.1.1 nginx"],
    ["from-run", "--strict", "docker run -d nginx"],
    ["from-run", "-o", "one", "--", "podman", "run", "--name", "web", "nginx", "echo", "a b"],
    ["from-compose", "compose.yaml"],
    ["from-compose", "compose.yaml", "--env-file", ".env", "--output", "many"],
    ["from-compose", "compose.yaml", "--output", "many"],
    ["from-compose", "compose.yaml", "--output", "many", "--force"],
    ["from-quadlet", "web.container"],
    ["from-run"],
    ["from-run", "docker run nginx", "--", "docker", "run", "nginx"],
    ["from-run", "docker run -v $PWD:/x nginx"],
    ["from-run", "docker run --volum /x nginx"],
    ["from-run", "docker run --env-file nothing nginx"],
    ["from-compose", "nothing.yaml"],
    ["from-compose", "."],
    ["from-quadlet", "compose.yaml"],
  ];
  const texts: string[] = [];
  for (const words of sessions) {
    const seen = await run(...words);
    texts.push(renderTranscript(["machines", ...words], seen).replaceAll(folder, "/somewhere"));
  }
  expectGolden("podman/verbs.txt", texts.join("\n"));
});

test("files are written for their owner alone, one for each machine, and read back", async () => {
  write("compose.yaml", compose);
  expect((await run("from-compose", "compose.yaml", "--output", "out")).exitCode).toBe(0);
  const files = readdirSync(join(folder, "out")).sort();
  expect(files).toEqual(["db.toml", "web-app.toml"]);
  for (const file of files) {
    const path = join(folder, "out", file);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(`${parseDeclaration(readFileSync(path, "utf8"), file).name}.toml`).toBe(file);
  }
});

test("nothing is written when one of the files is there", async () => {
  write("compose.yaml", compose);
  write("web-app.toml", "mine\n");
  const { exitCode, stderr } = await run("from-compose", "compose.yaml", "--output", ".");
  expect(exitCode).toBe(4);
  expect(stderr).toContain(`Cannot write ${join(folder, "web-app.toml")}: there is such a file`);
  expect(readdirSync(folder).sort()).toEqual(["compose.yaml", "web-app.toml"]);
  expect(readFileSync(join(folder, "web-app.toml"), "utf8")).toBe("mine\n");
});

test("a file of the host that is bound is seen, a folder is a volume", async () => {
  write("nginx-conf", "x\n");
  const command = "docker run --name web -v ./nginx-conf:/etc/nginx/x -v .:/srv nginx";
  const { stdout } = await run("from-run", "--json", command);
  const { machines, unsupported } = JSON.parse(stdout);
  expect(parseDeclaration(machines[0].toml, "web").volumes).toEqual([
    { path: "/srv", kind: "host", source: folder },
  ]);
  expect(unsupported.map(({ option }: { option: string }) => option)).toEqual([
    "-v ./nginx-conf:/etc/nginx/x",
  ]);
});
