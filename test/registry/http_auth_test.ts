import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  chooseAnswer,
  mayFollow,
  parseChallenges,
  parseToken,
} from "../../lib/registry/http_auth.ts";

describe("parseChallenges()", () => {
  test.each([
    ["", []],
    ["Negotiate", [["negotiate", {}]]],
    ['Basic realm="here"', [["basic", { realm: "here" }]]],
    [
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"',
      [["bearer", { realm: "https://auth.docker.io/token", service: "registry.docker.io" }]],
    ],
    [
      'Bearer realm="https://x/?a=b,c", scope="repository:a/b:pull,push" , error=invalid_token',
      [
        [
          "bearer",
          { realm: "https://x/?a=b,c", scope: "repository:a/b:pull,push", error: "invalid_token" },
        ],
      ],
    ],
    ['BASIC Realm = "a \\"b\\" \\\\"', [["basic", { realm: 'a "b" \\' }]]],
    [
      'Negotiate, Bearer realm="r",service=s, Basic realm="b"',
      [
        ["negotiate", {}],
        ["bearer", { realm: "r", service: "s" }],
        ["basic", { realm: "b" }],
      ],
    ],
    [
      'Negotiate YWJj==, Basic realm="b"',
      [
        ["negotiate", {}],
        ["basic", { realm: "b" }],
      ],
    ],
    [', ,Basic realm=""', [["basic", { realm: "" }]]],
    ['Basic realm="unfinished', [["basic", {}]]],
    ['"no scheme"', []],
  ] as const)("reads %s", (header, expected) => {
    const found = parseChallenges(header).map(({ scheme, parameters }) => [scheme, parameters]);
    expect(found).toEqual(expected as unknown as typeof found);
  });

  test("gives back what was written, and reads any text to its end", () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
    const value = fc.string({ unit: fc.constantFrom("a", ",", "=", '"', "\\", " ", "/") });
    const challenge = fc.record({
      scheme: word,
      parameters: fc.dictionary(word, value, { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
    });
    fc.assert(
      fc.property(fc.array(challenge), (challenges) => {
        const header = challenges.map(({ scheme, parameters }) => {
          const pairs = Object.entries(parameters).map(
            ([name, text]) => `${name}="${text.replaceAll(/["\\]/g, "\\$&")}"`,
          );
          return `${scheme} ${pairs.join(",")}`;
        });
        expect(parseChallenges(header.join(", "))).toEqual(challenges);
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => void parseChallenges(text)));
  });
});

describe("chooseAnswer()", () => {
  const registry = new URL("https://registry.example/");
  const account = { user: "a b", password: "p" };
  const bearer = (realm: string, more = {}) => [
    { scheme: "bearer", parameters: { realm, ...more } },
  ];
  const basic = { scheme: "basic", parameters: { realm: "r" } };

  test("asks for a token of one repository, to be read", () => {
    const challenges = bearer("https://auth.example/token?x=1", {
      service: "s & t",
      scope: "other",
    });
    expect(chooseAnswer(challenges, registry, "a/b", account)).toEqual({
      kind: "bearer",
      url: new URL(
        "https://auth.example/token?x=1&account=a+b&service=s+%26+t&scope=repository%3Aa%2Fb%3Apull",
      ),
      header: `Basic ${btoa("a b:p")}`,
    });
  });

  test("takes the first challenge that it knows", () => {
    const other = { scheme: "negotiate", parameters: {} };
    const kind = (...all: Parameters<typeof chooseAnswer>[0][number][]) =>
      chooseAnswer(all, registry, "a", account).kind;
    expect([kind(), kind(other, basic), kind(...bearer("https://x/"), basic)]).toEqual([
      ...["none", "basic", "bearer"],
    ] as ReturnType<typeof kind>[]);
    expect(chooseAnswer([basic], registry, "a", undefined)).toEqual({ kind: "none" });
    expect(() => kind(other)).toThrow("kind of login");
  });

  test.each([
    "",
    "token",
    "http://auth.example/",
    "ftp://auth.example/",
    "https://u:p@auth.example/",
  ])("sends no account to %p", (realm) => {
    expect(() => chooseAnswer(bearer(realm), registry, "a", account)).toThrow("no safe one");
  });
});

test("mayFollow() stays with HTTP, and with TLS once there", () => {
  const may = (from: string, to: string) => mayFollow(new URL(from), new URL(to));
  expect(may("http://a/", "http://b/")).toBe(true);
  expect(may("http://a/", "https://b/")).toBe(true);
  expect(may("https://a/", "https://b/")).toBe(true);
  expect(may("https://a/", "http://a/")).toBe(false);
  expect(may("http://a/", "file:///a")).toBe(false);
  expect(may("http://a/", "http://u@a/")).toBe(false);
});

describe("parseToken()", () => {
  test("reads both names, and a life of a minute at least", () => {
    expect(parseToken('{"token":"a","access_token":"b","expires_in":300}', 1000)).toEqual({
      header: "Bearer a",
      endsAtMs: 301_000,
    });
    expect(parseToken('{"token":"","access_token":"b"}', 0)).toEqual({
      header: "Bearer b",
      endsAtMs: 60_000,
    });
    expect(parseToken('{"token":"a","expires_in":5}', 0).endsAtMs).toBe(60_000);
  });

  test.each([
    "",
    "null",
    "[]",
    "5",
    '{"token":5}',
    '{"token":"a b"}',
    '{"token":"a\\n"}',
    '{"token":"ü"}',
  ])("finds none in %p", (text) => {
    expect(() => parseToken(text, 0)).toThrow("the registry's server of tokens gave none");
  });
});
