import { describe, expect, test } from "bun:test";
import {
  convertMount,
  convertShmSize,
  convertTmpfs,
  convertVolume,
} from "../../lib/podman/volumes.ts";
import type { Volume } from "../../lib/spec/machine_spec.ts";
import { converted, noFiles } from "./_tools.ts";

const host = (path: string, source: string): Volume => ({ path, kind: "host", source });
const data = (path: string): Volume => ({ path, kind: "data" });

describe("convertVolume()", () => {
  const good: readonly (readonly [value: string, volume: Volume, lost: readonly string[]])[] = [
    ["/srv/a:/a", host("/a", "/srv/a"), []],
    ["/srv/a/:/a/", host("/a", "/srv/a"), []],
    ["./a:/a", host("/a", "/home/me/a"), []],
    ["../a:/a:ro", { ...host("/a", "/home/a"), isReadOnly: true }, []],
    ["/srv/a:/a:rw,rprivate", host("/a", "/srv/a"), []],
    ["/srv/a:/a:Z,U,noexec", host("/a", "/srv/a"), ["it, Z", "it, U", "it, noexec"]],
    ["name:/a", data("/a"), []],
    ["name:/a:ro,nocopy", { ...data("/a"), isReadOnly: true }, ["it, nocopy"]],
    ["/a", data("/a"), []],
    ["/a:ro", { ...data("/a"), isReadOnly: true }, []],
  ];
  test.each(good)("reads %s", (value, volume, lost) => {
    const { volumes, remarks } = converted(convertVolume, value);
    expect(volumes).toEqual([volume]);
    const unsupported = remarks.filter(({ kind }) => kind === "unsupported");
    expect(unsupported.map(({ option }) => option)).toEqual([...lost]);
  });

  test.each([
    [
      "/run/podman/podman.sock:/var/run/docker.sock",
      "Bind=/run/podman/podman.sock:/var/run/docker.sock:idmap",
    ],
    ["/etc/localtime:/etc/localtime:ro", "BindReadOnly=/etc/localtime:/etc/localtime:idmap"],
  ])("says how to bind the file %s", (value, line) => {
    const { volumes, remarks } = converted(convertVolume, value);
    expect(volumes).toEqual([]);
    expect(remarks.map(({ kind, reason }) => [kind, reason])).toEqual([
      [
        "unsupported",
        `volumes are folders; for a file or socket write ${line} under [Files] of container.nspawn`,
      ],
    ]);
  });

  test("believes the host what is a file", () => {
    const seen = (kind: "folder" | "other") =>
      converted(convertVolume, "/srv/x.sock:/a", { ...noFiles, kindOf: () => kind }).volumes;
    expect([seen("other"), seen("folder")]).toEqual([[], [host("/a", "/srv/x.sock")]]);
  });

  test.each([
    ["a", "the path in the machine is not absolute"],
    ["a:b", "the path in the machine is not absolute"],
    ["/srv:b:ro", "the path in the machine is not absolute"],
    [":/a", "it is not SOURCE:/IN[:OPTIONS]"],
    ["/a:/b:ro:x", "it is not SOURCE:/IN[:OPTIONS]"],
    ["a b:/c", '"a b" is neither a path nor the name of a volume'],
    ["~/a:/b", "a shell would expand ~"],
    ["/srv:/", "the machine's whole file system cannot be a volume"],
  ])("refuses %s: %s", (value, state) => {
    expect(() => converted(convertVolume, value)).toThrow(
      `Cannot use the volume ${JSON.stringify(value)}: ${state}`,
    );
  });

  test("refuses the host's whole file system", () => {
    expect(() => converted(convertVolume, "/:/host")).toThrow(
      "the host's whole file system cannot be a volume",
    );
  });
});

describe("convertMount()", () => {
  const good: readonly (readonly [value: string, volume: Volume])[] = [
    ["type=bind,source=/srv/a,destination=/a", host("/a", "/srv/a")],
    ["type=bind,src=/srv/a,dst=/a,ro", { ...host("/a", "/srv/a"), isReadOnly: true }],
    ["type=bind,src=/srv/a,target=/a,readonly=true", { ...host("/a", "/srv/a"), isReadOnly: true }],
    ["type=bind,src=/srv/a,target=/a,ro=false,bind-propagation=rprivate", host("/a", "/srv/a")],
    ["type=volume,source=name,target=/a", data("/a")],
    ["type=volume,target=/a", data("/a")],
    ["source=name,target=/a", data("/a")],
    ["type=tmpfs,destination=/a", { path: "/a", kind: "tmpfs", mode: 0o1777 }],
    [
      "type=tmpfs,tmpfs-size=64m,tmpfs-mode=1777,destination=/a",
      { path: "/a", kind: "tmpfs", sizeBytes: 64 * 1024 ** 2, mode: 0o1777 },
    ],
  ];
  test.each(good)("reads %s", (value, volume) => {
    expect(converted(convertMount, value).volumes).toEqual([volume]);
  });

  test.each(["image", "glob", "devpts", "artifact"])("lists a mount of type %s", (type) => {
    const { volumes, remarks } = converted(convertMount, `type=${type},src=x,dst=/a`);
    expect(volumes).toEqual([]);
    expect(remarks).toEqual([
      { kind: "unsupported", option: "it", reason: `there are no mounts of type ${type}` },
    ]);
  });

  test("lists what it does not keep", () => {
    const value =
      "type=volume,src=name,dst=/a,subpath=/x,relabel=shared,idmap,U=true,chown=false,bind-propagation=rshared";
    expect(converted(convertMount, value).remarks.map(({ option }) => option)).toEqual([
      "it, idmap",
      "it, subpath",
      "it, relabel",
      "it, U",
      "it, rshared",
      "it",
    ]);
  });

  test.each([
    ["type=bind,src=/a", "it has no absolute destination"],
    ["type=bind,dst=/a", "a bind has no source"],
    ["type=volume,src=/a,dst=/a", "the source of a volume is a name"],
    ["type=volume,dst=a", "it has no absolute destination"],
  ])("refuses %s: %s", (value, state) => {
    expect(() => converted(convertMount, value)).toThrow(state);
  });
});

describe("convertTmpfs()", () => {
  test.each([
    ["/a", { path: "/a", kind: "tmpfs", mode: 0o1777 }, []],
    ["/tmp:size=1g", { path: "/tmp", kind: "tmpfs", mode: 0o1777, sizeBytes: 2 ** 30 }, []],
    [
      "/a:rw,size=65536k,mode=755",
      { path: "/a", kind: "tmpfs", sizeBytes: 2 ** 26, mode: 0o755 },
      [],
    ],
    [
      "/a:noexec,nosuid,size=50%,uid=1000,ro",
      { path: "/a", kind: "tmpfs", mode: 0o1777 },
      ["it, noexec", "it, nosuid", "it, size=50%", "it, uid=1000", "it, ro"],
    ],
  ] as readonly (readonly [string, Volume, readonly string[]])[])(
    "reads %s",
    (value, volume, lost) => {
      const { volumes, remarks } = converted(convertTmpfs, value);
      expect(volumes).toEqual([volume]);
      expect(remarks.map(({ option }) => option)).toEqual([...lost]);
    },
  );

  test.each(["/run", "/run/", "/var/run:size=1g"])(
    "leaves %s to systemd-nspawn, and says so",
    (value) => {
      const { volumes, remarks } = converted(convertTmpfs, value);
      expect([volumes, remarks.map(({ kind }) => kind)]).toEqual([[], ["note"]]);
    },
  );
});

test.each(["/srv/run:/var/run", "/sys/fs/cgroup:/sys/fs/cgroup:ro", "name:/proc", "/dev:/dev"])(
  "convertVolume() lists %s: the machine needs that place",
  (value) => {
    const { volumes, remarks } = converted(convertVolume, value);
    expect([volumes, remarks.map(({ kind }) => String(kind))]).toEqual([[], ["unsupported"]]);
  },
);

test("convertShmSize() gives /dev/shm a size", () => {
  expect(converted(convertShmSize, "256m").volumes).toEqual([
    { path: "/dev/shm", kind: "tmpfs", sizeBytes: 2 ** 28, mode: 0o1777 },
  ]);
  expect(converted(convertShmSize, "0").volumes).toEqual([]);
});

test("two volumes at one path are refused", () => {
  const draft = converted(convertVolume, "/srv/a:/a");
  const again = { value: "/a", written: "it", tools: noFiles };
  expect(() => convertTmpfs(draft, again)).toThrow('Cannot put two volumes at "/a"');
});
