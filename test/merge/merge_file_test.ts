import { describe, expect, test } from "bun:test";
import { type Merged, mergeEnvFile, mergeUnitFile } from "../../lib/merge/merge_file.ts";

type Row = readonly [what: string, base: string, ours: string, theirs: string, merged: string];

const none: Merged["conflicts"] = [];

describe("mergeEnvFile()", () => {
  const rows: readonly Row[] = [
    ["changes neighbours apart", "A=1\nB=1\n", "A=2\nB=1\n", "A=1\nB=2\n", "A=2\nB=2\n"],
    [
      "keeps comments, order and blank lines",
      "A=1\nB=1\n",
      "# mine\nB=1\n\nA=1\n",
      "A=2\nB=1\n",
      "# mine\nB=1\n\nA=2\n",
    ],
    [
      "puts a new variable behind its neighbour",
      "A=1\nC=1\n",
      "A=1\nMINE=1\nC=1\n",
      "A=1\nB=1\nC=1\n",
      "A=1\nB=1\nMINE=1\nC=1\n",
    ],
    ["takes a variable away", "A=1\nB=1\n", "A=1\nB=1\nC=1\n", "A=1\n", "A=1\nC=1\n"],
    ["leaves out what the administrator removed", "A=1\nB=1\n", "A=1\n", "A=2\nB=1\n", "A=2\n"],
    [
      "knows the same change on both sides",
      "A=1\nB=1\n",
      "A=2\nB=1\nC=3\n",
      "A=2\nC=3\n",
      "A=2\nC=3\n",
    ],
    [
      "adds to a file whose last line has no end",
      "A=1\n",
      "# mine\nA=1",
      "A=1\nB=2\n",
      "# mine\nA=1\nB=2\n",
    ],
    [
      "ends no line that a carriage return ends",
      "A=1\n",
      "A=1\nC=\r",
      "A=1\nB=2\n",
      "A=1\nB=2\nC=\r",
    ],
    [
      "keeps a carriage return in a value",
      "A=1\nB=1\n",
      "A=1\r\nB=1\n",
      "A=1\nB=2\n",
      "A=1\r\nB=2\n",
    ],
    [
      "keeps lines that are no variables",
      "A=1\n",
      "=x\nexport A\nA=1\n",
      "A=2\n",
      "=x\nexport A\nA=2\n",
    ],
    [
      "changes each line of a repeated name",
      "A=1\nA=2\n",
      "A=1\n# mine\nA=2\n",
      "A=3\nA=4\nA=5\n",
      "A=3\n# mine\nA=4\nA=5\n",
    ],
    [
      "keeps bytes that are no UTF-8, read as latin1",
      "A=\xff\n",
      "A=\xff\nB=\x80\n",
      "A=\xfe\n",
      "A=\xfe\nB=\x80\n",
    ],
    ["starts from an empty rendering", "", "# mine\n", "A=1\n", "A=1\n# mine\n"],
  ];
  test.each(rows)("%s", (_, base, ours, theirs, merged) => {
    expect(mergeEnvFile(base, ours, theirs)).toEqual({ text: merged, conflicts: none });
  });

  test("names a conflict with all of its lines, keeps the administrator's side, and does the rest", () => {
    const [base, ours, theirs] = ["A=1\nB=1\n", "A=2\nB=1\n", "A=3\nB=2\n"] as const;
    const conflicts = [{ key: "A", base: "A=1", ours: "A=2", theirs: "A=3" }];
    expect(mergeEnvFile(base, ours, theirs)).toEqual({ text: "A=2\nB=2\n", conflicts });
    expect(mergeEnvFile(base, ours, theirs, "ours")).toEqual({ text: "A=2\nB=2\n", conflicts });
    expect(mergeEnvFile(base, ours, theirs, "theirs")).toEqual({ text: "A=3\nB=2\n", conflicts });
  });

  test("has a conflict where one side removed what the other changed, or both added it", () => {
    expect(mergeEnvFile("A=1\nB=1\n", "B=1\n", "A=2\nB=1\n", "theirs")).toEqual({
      text: "A=2\nB=1\n",
      conflicts: [{ key: "A", base: "A=1", theirs: "A=2" }],
    });
    expect(mergeEnvFile("A=1\nB=1\n", "A=2\nB=1\n", "B=1\n", "theirs")).toEqual({
      text: "B=1\n",
      conflicts: [{ key: "A", base: "A=1", ours: "A=2" }],
    });
    expect(mergeEnvFile("A=1\n", "A=1\nB=1\n", "A=1\nB=2\n")).toEqual({
      text: "A=1\nB=1\n",
      conflicts: [{ key: "B", ours: "B=1", theirs: "B=2" }],
    });
  });
});

describe("mergeUnitFile()", () => {
  const rows: readonly Row[] = [
    [
      "tells variables of Environment= apart",
      "[Exec]\nEnvironment=A=1\nEnvironment=B=1\n",
      "[Exec]\nEnvironment=A=2\nEnvironment=B=1\n",
      '[Exec]\nEnvironment=A=1\nEnvironment="B=2 3"\n',
      '[Exec]\nEnvironment=A=2\nEnvironment="B=2 3"\n',
    ],
    [
      "splits a line of variables where one of them changes",
      "[Exec]\nEnvironment=A=1\nEnvironment=B=1\n",
      "[Exec]\nEnvironment='A=1' B=1  C=1\n",
      "[Exec]\nEnvironment=A=1\nEnvironment=B=2\n",
      "[Exec]\nEnvironment='A=1'\nEnvironment=B=2\nEnvironment=C=1\n",
    ],
    [
      "leaves such a line as it is otherwise",
      "[Exec]\nEnvironment=A=1\nBoot=no\n",
      "[Exec]\nEnvironment=A=1 B=2\nBoot=no\n",
      "[Exec]\nEnvironment=A=1\nBoot=yes\n",
      "[Exec]\nEnvironment=A=1 B=2\nBoot=yes\n",
    ],
    [
      "knows a mount by its path in the machine",
      "[Files]\nBind=/a:/data:idmap\n",
      "[Files]\nBind=/mine:/x\nBind=/a:/data:idmap\n",
      "[Files]\nBindReadOnly=/a:/data/:idmap\n",
      "[Files]\nBind=/mine:/x\nBindReadOnly=/a:/data/:idmap\n",
    ],
    [
      "adds values to a set beside the administrator's",
      "[Exec]\nDropCapability=CAP_A\n",
      "[Exec]\nDropCapability=CAP_A\nDropCapability=CAP_MINE\n",
      "[Exec]\nDropCapability=CAP_B\nDropCapability=CAP_C\n",
      "[Exec]\nDropCapability=CAP_B\nDropCapability=CAP_C\nDropCapability=CAP_MINE\n",
    ],
    [
      "keeps the order of commands, and the administrator's where they stand",
      "[Service]\nExecStartPre=a\nExecStartPre=b\n",
      "[Service]\nExecStartPre=mine\nExecStartPre=a\nExecStartPre=b\n",
      "[Service]\nExecStartPre=new\nExecStartPre=a\nExecStartPre=b2\n",
      "[Service]\nExecStartPre=new\nExecStartPre=mine\nExecStartPre=a\nExecStartPre=b2\n",
    ],
    [
      "follows a new order of commands",
      "[Service]\nExecStartPre=a\nExecStartPre=b\n",
      "[Service]\nExecStartPre=a\nExecStartPre=b\n# mine\n",
      "[Service]\nExecStartPre=b\nExecStartPre=a\n",
      "[Service]\nExecStartPre=b\nExecStartPre=a\n# mine\n",
    ],
    [
      "updates a comment that nobody touched",
      "# old\n\n[Exec]\n# why\nBoot=no\n",
      "# old\n\n[Exec]\n# why\nBoot=no\nUser=x\n",
      "# new\n# lines\n\n[Exec]\n# because\nBoot=no\n",
      "# new\n# lines\n\n[Exec]\n# because\nBoot=no\nUser=x\n",
    ],
    [
      "keeps a comment that the administrator changed",
      "# old\n[Exec]\nBoot=no\n",
      "# mine\n[Exec]\nBoot=no\n",
      "# old\n[Exec]\nBoot=yes\n",
      "# mine\n[Exec]\nBoot=yes\n",
    ],
    [
      "puts a comment above its key",
      "[Exec]\nBoot=no\nUser=x\n",
      "[Exec]\nBoot=no\nMine=1\nUser=x\n",
      "[Exec]\nBoot=no\n# why\nUser=x\n",
      "[Exec]\nBoot=no\nMine=1\n# why\nUser=x\n",
    ],
    [
      "puts each key into its section",
      "[Exec]\nA=1\n\n[Files]\nX=1\n",
      "[Exec]\nA=1\n\n[Mine]\nM=1\n\n[Files]\nX=1\n",
      "[Exec]\nA=1\nB=1\n\n[Files]\nX=1\n",
      "[Exec]\nA=1\nB=1\n\n[Mine]\nM=1\n\n[Files]\nX=1\n",
    ],
    [
      "adds a section where it belongs",
      "[Exec]\nA=1\n\n[Network]\nZ=1\n",
      "[Exec]\nA=1\nM=1\n\n[Network]\nZ=1\n",
      "[Exec]\nA=1\n\n[Files]\nX=1\n\n[Network]\nZ=1\n",
      "[Exec]\nA=1\nM=1\n\n[Files]\nX=1\n\n[Network]\nZ=1\n",
    ],
    [
      "takes a section away",
      "[Exec]\nA=1\n\n[Files]\n# x\nX=1\n",
      "# m\n[Exec]\nA=1\n\n[Files]\n# x\nX=1\n",
      "[Exec]\nA=1\n",
      "# m\n[Exec]\nA=1\n",
    ],
    [
      "keeps a section that the administrator added to",
      "[Exec]\nA=1\n\n[Files]\nX=1\n",
      "[Exec]\nA=1\n\n[Files]\nX=1\nM=1\n",
      "[Exec]\nA=1\n",
      "[Exec]\nA=1\n[Files]\nM=1\n",
    ],
    [
      "leaves out a section that the administrator removed, but for what is new",
      "[Exec]\nA=1\n[Files]\n# x\nX=1\n",
      "[Exec]\nA=1\n",
      "[Exec]\nA=1\n[Files]\n# x\nX=1\nY=1\n",
      "[Exec]\nA=1\n[Files]\nY=1\n",
    ],
    [
      "finds keys of a section that is opened twice",
      "[Exec]\nA=1\nB=1\n",
      "[Exec]\nA=1\n[Files]\n[Exec]\nB=1\n",
      "[Exec]\nA=2\nB=2\n",
      "[Exec]\nA=2\n[Files]\n[Exec]\nB=2\n",
    ],
    [
      "keeps CRLF",
      "[Exec]\nA=1\n",
      "[Exec]\r\n# mine\r\nA=1\r\n",
      "[Exec]\nA=2\nB=\\\n  1\n",
      "[Exec]\r\n# mine\r\nA=2\r\nB=\\\r\n  1\r\n",
    ],
    [
      "keeps spelling that does not count",
      "[Exec]\nA=1\nB=1\n",
      "[Exec]\n A =  1\nB=1\n",
      "[Exec]\nA=1\nB=2\n",
      "[Exec]\n A =  1\nB=2\n",
    ],
    [
      "ends a last line before it adds one",
      "[Exec]\nA=1\n",
      "[Exec]\nA=1\nM=1",
      "[Exec]\nA=1\n\n[Files]\nX=1\n",
      "[Exec]\nA=1\nM=1\n\n[Files]\nX=1\n",
    ],
  ];
  test.each(rows)("%s", (_, base, ours, theirs, merged) => {
    expect(mergeUnitFile(base, ours, theirs)).toEqual({ text: merged, conflicts: none });
  });

  const conflicts: readonly (readonly [base: string, ours: string, theirs: string, key: string])[] =
    [
      ["[Exec]\nBoot=no\n", "[Exec]\nBoot=yes\n", "[Exec]\nBoot=maybe\n", "Exec.Boot"],
      ["[Exec]\nBoot=no\n", "[Exec]\nBoot=no\nBoot=yes\n", "[Exec]\nBoot=maybe\n", "Exec.Boot"],
      [
        "[Exec]\nEnvironment=A=1\n",
        "[Exec]\nEnvironment=A=2\n",
        "[Exec]\nEnvironment=A=3\n",
        "Exec.Environment=A",
      ],
      [
        "[Files]\nBind=/a:/d\n",
        "[Files]\nBind=/b:/d\n",
        "[Files]\nTemporaryFileSystem=/d\n",
        "Files.Bind=/d",
      ],
      [
        "[Service]\nExecStop=a\n",
        "[Service]\nExecStop=mine\n",
        "[Service]\nExecStop=b\n",
        "Service.ExecStop",
      ],
      [
        "[Network]\nMACVLAN=a\n",
        "[Network]\nMACVLAN=mine\n",
        "[Network]\nMACVLAN=b\n",
        "Network.MACVLAN",
      ],
      [
        "[Service]\nDeviceAllow=/dev/a r\n",
        "[Service]\nDeviceAllow=/dev/a rw\n",
        "[Service]\nDeviceAllow=/dev/a rwm\n",
        "Service.DeviceAllow=/dev/a",
      ],
      ["[Exec]\nA=\\\n1\n", "[Exec]\nA=\\\n# mine\n1\n", "[Exec]\nA=2\n", "Exec.A"],
    ];
  test.each(conflicts)("%j, %j and %j are a conflict", (base, ours, theirs, key) => {
    const merged = mergeUnitFile(base, ours, theirs);
    expect({ ...merged, keys: merged.conflicts.map((conflict) => conflict.key) }).toMatchObject({
      text: ours,
      keys: [key],
    });
    const taken = mergeUnitFile(base, ours, theirs, "theirs");
    expect(taken).toEqual({ text: theirs, conflicts: merged.conflicts });
  });
});
