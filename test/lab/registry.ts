/**
 * An image registry in a lab host: Debian's docker-registry as a unit of the lab's own,
 * so that it is the same in every Debian and can have a password or TLS.
 *
 * @module
 */
import { basename, join } from "node:path";
import { removeTree } from "./cache.ts";
import type { Host } from "./host.ts";
import { taggedDescriptor, writeDirTransport } from "./images/dir_transport.ts";
import { type RealImage, realImageLayout } from "./images/real_images.ts";
import { waitFor } from "./wait_for.ts";

export interface RegistryOptions {
  /** 5000 by default. It listens on every address of the host, IPv4 and IPv6. */
  readonly port?: number;
  /** Who may use it; everybody by default. */
  readonly login?: { readonly user: string; readonly password: string };
  /** Serve HTTPS with a certificate that nobody trusts (its file is `certificate`). */
  readonly isTls?: boolean;
}

export class Registry {
  readonly host: Host;
  readonly port: number;
  /** `localhost:5000`: what image references on its own host begin with. */
  readonly name: string;
  /** The certificate's path in the host, where it serves HTTPS. */
  readonly certificate: string | undefined;
  readonly #unit: string;
  readonly #root: string;
  readonly #login: RegistryOptions["login"];

  private constructor(host: Host, options: RegistryOptions) {
    this.host = host;
    this.port = options.port ?? 5000;
    this.name = `localhost:${this.port}`;
    this.#unit = `lab-registry-${this.port}.service`;
    this.#root = `/var/lib/lab-registry-${this.port}`;
    this.#login = options.login;
    this.certificate = options.isTls === true ? `${this.#root}/tls.crt` : undefined;
  }

  /** Starts a registry and waits until it answers. */
  static async start(host: Host, options: RegistryOptions = {}): Promise<Registry> {
    const registry = new Registry(host, options);
    await registry.#configure();
    await registry.up();
    return registry;
  }

  /** The root of its API as seen in its own host. */
  get url(): string {
    return `${this.certificate === undefined ? "http" : "https"}://${this.name}`;
  }

  /** Starts it (again), after `down()` or a boot. */
  async up(): Promise<void> {
    await this.host.run(["systemctl", "start", this.#unit]);
    await waitFor(
      async () => {
        const { stdout } = await this.host.run(
          [
            "curl",
            "--silent",
            "--insecure",
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
            `${this.url}/v2/`,
          ],
          { allowFailure: true },
        );
        return stdout === "200" || stdout === "401";
      },
      {
        what: `${this.#unit} of lab host "${this.host.name}"`,
        explain: async () =>
          (await this.host.run(["journalctl", "--no-pager", "-n", "20", "-u", this.#unit])).stdout,
      },
    );
  }

  /** Stops it; what it holds stays. */
  async down(): Promise<void> {
    await this.host.run(["systemctl", "stop", this.#unit]);
  }

  /**
   * Copies a layout's image (or index, with all that it lists) into the registry, byte by byte.
   *
   * @param layout folder on the outer machine.
   * @param repository `nginx`, `team/app`…
   * @param options.from name in the layout, `latest` by default.
   * @returns the reference by tag, `localhost:5000/nginx:latest`, and the digest.
   */
  async push(
    layout: string,
    repository: string,
    options: { readonly tag?: string; readonly from?: string } = {},
  ): Promise<{ readonly reference: string; readonly digest: string }> {
    const folder = `${this.#root}/push/${crypto.randomUUID()}`;
    const from = options.from ?? "latest";
    const reference = `${this.name}/${repository}:${options.tag ?? "latest"}`;
    const credentials =
      this.#login === undefined
        ? []
        : ["--dest-creds", `${this.#login.user}:${this.#login.password}`];
    const isDocker = (await taggedDescriptor(layout, from)).mediaType.includes(".docker.");
    if (isDocker) {
      const converted = join(this.host.dir, `push-${basename(folder)}`);
      await writeDirTransport(layout, from, converted);
      await this.host.copyIn(converted, folder);
      await removeTree(converted);
    } else {
      await this.host.copyIn(layout, folder);
    }
    await this.host.run([
      ...[
        "skopeo",
        "copy",
        "--quiet",
        "--all",
        "--preserve-digests",
        "--dest-tls-verify=false",
        ...credentials,
      ],
      ...[
        "--digestfile",
        `${folder}.digest`,
        isDocker ? `dir:${folder}` : `oci:${folder}:${from}`,
        `docker://${reference}`,
      ],
    ]);
    const digest = (await this.host.readFile(`${folder}.digest`)).trim();
    await this.host.run(["rm", "-rf", folder, `${folder}.digest`]);
    return { reference, digest };
  }

  /** Makes a real image and pushes it under its own name. */
  async pushReal(
    name: RealImage,
  ): Promise<{ readonly reference: string; readonly digest: string }> {
    return await this.push(await realImageLayout(name), name);
  }

  /** Path in the host of the file that holds a blob, to corrupt, truncate or remove it. */
  blobPath(digest: string): string {
    const hex = digest.slice("sha256:".length);
    return `${this.#root}/data/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`;
  }

  async #configure(): Promise<void> {
    const config: Record<string, unknown> = {
      version: 0.1,
      // No blob cache: a blob that a test has spoiled must be seen as it is.
      storage: {
        filesystem: { rootdirectory: `${this.#root}/data` },
        delete: { enabled: true },
      },
      http: {
        addr: `:${this.port}`,
        ...(this.certificate === undefined
          ? {}
          : {
              tls: {
                certificate: this.certificate,
                key: `${this.#root}/tls.key`,
              },
            }),
      },
    };
    if (this.#login !== undefined) {
      const hash = await Bun.password.hash(this.#login.password, {
        algorithm: "bcrypt",
        cost: 4,
      });
      await this.host.writeFile(`${this.#root}/htpasswd`, `${this.#login.user}:${hash}\n`);
      config.auth = {
        htpasswd: { realm: "lab", path: `${this.#root}/htpasswd` },
      };
    }
    if (this.certificate !== undefined) {
      await this.host.sh(
        'mkdir -p "$1"; cd "$1"; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
          -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout tls.key -out tls.crt',
        [this.#root],
      );
    }
    // YAML takes JSON.
    await this.host.writeFile(`${this.#root}/config.yml`, JSON.stringify(config));
    const unit = `[Unit]\nDescription=Image registry of the lab\n[Service]\nExecStart=/usr/bin/docker-registry serve ${this.#root}/config.yml\n`;
    await this.host.writeFile(`/etc/systemd/system/${this.#unit}`, unit);
    await this.host.run(["systemctl", "daemon-reload"]);
  }
}
