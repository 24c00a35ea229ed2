import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { parseImageConfig } from "../../lib/image/config.ts";

/** Configurations of real images; they lie beside the project, not in it. */
const folder = new URL("../../../shared/image-configs/", import.meta.url);
const golden = new URL("../golden/image/", import.meta.url);

const names = configNames();
const read = async (name: string) => await Bun.file(new URL(`${name}.json`, folder)).json();

describe.skipIf(names.length === 0)("the configurations of real images", () => {
  test.each(names)("parseImageConfig() loses nothing of %s", async (name) => {
    const json = await read(name);
    const config = parseImageConfig(json);
    const run = json.config ?? {};
    expect([...config.entrypoint]).toEqual(run.Entrypoint ?? []);
    expect([...config.cmd]).toEqual(run.Cmd ?? []);
    expect(config.env.map(([name, value]) => `${name}=${value}`)).toEqual(run.Env ?? []);
    expect(config.user).toBe(run.User ?? "");
    expect<unknown>(config.labels).toEqual(run.Labels ?? {});
    expect(config.volumes).toHaveLength(Object.keys(run.Volumes ?? {}).length);
    expect(config.ports.map(({ port, protocol }) => `${port}/${protocol}`).sort()).toEqual(
      Object.keys(run.ExposedPorts ?? {}).sort(),
    );
    expect(config.stopSignal).toBe(run.StopSignal);
    expect(config.healthcheck !== undefined).toBe(run.Healthcheck !== undefined);
    for (const path of [config.workingDir, ...config.volumes]) {
      expect(path).toMatch(/^(\/|(\/[^/]+)+)$/);
    }
  });

  test.each(["kong", "nats", "nginx", "odoo", "redis", "registry"])(
    "parseImageConfig() reads %s as recorded",
    async (name) => {
      const config = parseImageConfig(await read(name));
      const file = Bun.file(new URL(`${name}.json`, golden));
      if (process.env.UPDATE_GOLDEN) await file.write(`${JSON.stringify(config, null, 2)}\n`);
      expect<unknown>(config).toEqual(await file.json());
    },
  );
});

function configNames(): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith(".json") && file !== "index.json")
      .map((file) => file.slice(0, -".json".length))
      .sort();
  } catch {
    return [];
  }
}
