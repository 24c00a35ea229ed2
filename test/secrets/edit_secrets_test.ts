import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { parse, stringify } from "smol-toml";
import { removeSecretUse, setSecretUse } from "../../lib/secrets/edit_secrets.ts";
import { formatSecretUse } from "../../lib/spec/secret_toml.ts";
import { parseSecretName, type SecretUse } from "../../lib/spec/secret_use.ts";

const use = (name: string, more: Omit<SecretUse, "name"> = {}): SecretUse => ({
  name: parseSecretName(name),
  ...more,
});

const edited = `# The shop.
name = "shop" # its name
image = "redis:7"

# For the database.
[[secrets]]
# asked for by the entrypoint
name = 'db' # of the team
file_variable = "DB_FILE"   # as the image says

# The mail.
[[secrets]]
name = "mail"

[env]
TZ = "UTC"
`;

describe("setSecretUse()", () => {
  test("adds a table at the end, and leaves all else as it is", () => {
    const result = setSecretUse(edited, use("new.key", { variable: "KEY", mode: 0o440 }));
    expect(result).toBe(
      `${edited}\n[[secrets]]\nname = "new.key"\nvariable = "KEY"\nmode = "0440"\n`,
    );
  });

  test("changes the keys of its own table alone, and keeps the comments of what stays", () => {
    const result = setSecretUse(edited, use("db", { fileVariable: "DB_FILE", variable: "DB" }));
    expect(result).toBe(
      edited.replace(
        'file_variable = "DB_FILE"   # as the image says\n',
        'file_variable = "DB_FILE"   # as the image says\nvariable = "DB"\n',
      ),
    );
    expect(setSecretUse(edited, use("db"))).toBe(
      edited.replace('file_variable = "DB_FILE"   # as the image says\n', ""),
    );
    expect(setSecretUse(edited, use("mail", { owner: { uid: 999, gid: 9 } }))).toBe(
      edited.replace('name = "mail"\n', 'name = "mail"\nowner = "999:9"\n'),
    );
  });

  test("of what is there already changes nothing", () => {
    expect(setSecretUse(edited, use("db", { fileVariable: "DB_FILE" }))).toBe(edited);
  });

  test.each([
    ["secrets in one line", 'name = "a"\nsecrets = [{name = "db"}]\n'],
    ["a header inside a text", 'name = "a"\nargs = ["""\n[[secrets]]\nname = "db"\n"""]\n'],
  ])("refuses what it cannot edit: %s", (_what, text) => {
    const edit = () => setSecretUse(text, use("db", { variable: "DB" }));
    expect(edit).toThrow('Cannot edit the secret "db" in machine.toml');
  });
});

describe("removeSecretUse()", () => {
  test("takes the table out, and leaves the others and all comments above", () => {
    expect(removeSecretUse(edited, parseSecretName("mail"))).toBe(
      edited.replace('[[secrets]]\nname = "mail"\n', ""),
    );
    expect(removeSecretUse(edited, parseSecretName("none"))).toBe(edited);
  });

  test("undoes setSecretUse(), for whatever stood there", () => {
    const name = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,10}$/);
    const names = fc.uniqueArray(name, { minLength: 1, maxLength: 4 });
    const variable = fc.option(fc.stringMatching(/^[A-Z]{1,8}$/), { nil: undefined });
    fc.assert(
      fc.property(names, variable, variable, (all, fileVariable, value) => {
        const [first = "a", ...others] = all;
        const present = others.map((other) => ({ name: other }));
        const before = stringify({ name: "m", ...(others.length > 0 ? { secrets: present } : {}) });
        const added = use(first, { fileVariable, variable: value });
        const after = setSecretUse(before, added);
        expect<unknown>(parse(after).secrets).toContainEqual(formatSecretUse(added));
        expect<unknown>(parse(removeSecretUse(after, added.name)).secrets ?? []).toEqual(present);
      }),
    );
  });
});
