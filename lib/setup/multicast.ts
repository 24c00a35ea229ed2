/**
 * Keeps yggdrasil from looking for neighbours on the machines' bridge, where it would take machines for hosts:
 * in its configuration, the Regex texts alone are edited.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";

/** One of `MulticastInterfaces`, as `yggdrasil -normaliseconf -json` prints it. */
interface MulticastInterface {
  readonly Regex: string;
  readonly Beacon?: boolean;
  readonly Listen?: boolean;
}

/** What is kept apart: the bridge, and the host's ends of the machines' links. */
function ownInterfaces(bridge: string): string[] {
  return [bridge, "vb-a", "vb-Web-1"];
}

/** Where no pattern but one for everything would match all of these. */
const anyInterfaces = ["en0", "eth0", "wlan0", "lo", "zz9", "x"];

/** Names of network cards, by systemd's scheme and the kernel's: wired, wireless, and mobile. */
const cards = "(en|eth|wl|ww).*";

/**
 * The configuration with the bridge left out.
 *
 * @param text of the configuration, HJSON or JSON.
 * @param normalised the same as `yggdrasil -useconf -normaliseconf -json` prints it.
 * @param uplinks interfaces of this host on which neighbours shall still be looked for, beside all network cards.
 * @returns the very text where the bridge is left out already.
 * @throws {MbctlError} (conflict) where a pattern of the administrator's own matches the bridge: what it is to be instead
 * is not ours to say.
 */
export function leaveOutBridge(
  text: string,
  normalised: string,
  file: string,
  bridge: string,
  uplinks: readonly string[],
): string {
  const entries = readInterfaces(normalised);
  const loud = entries.filter(
    (entry) =>
      // yggdrasil passes over an entry that neither sends nor listens.
      (entry.Beacon === true || entry.Listen === true) &&
      ownInterfaces(bridge).some((name) => matches(entry.Regex, name, file)),
  );
  const replacement = patternFor(uplinks);
  if (loud.length > 0 && ownInterfaces(bridge).some((name) => matches(replacement, name, file))) {
    throw new MbctlError(
      "conflict",
      `Cannot call the bridge ${JSON.stringify(bridge)}: it is a name for a network card, where yggdrasil looks for neighbours`,
      { hint: "choose another with --bridge NAME" },
    );
  }
  const own = loud.find(
    (entry) => !anyInterfaces.every((name) => matches(entry.Regex, name, file)),
  );
  if (own !== undefined) throw notOurs(file, own.Regex, bridge);
  const edited = replaceRegexes(text, new Set(loud.map(({ Regex }) => Regex)), replacement);
  if (loud.length > 0 && edited === text) throw notOurs(file, loud[0]?.Regex ?? "", bridge);
  return edited;
}

/**
 * Whether two normalised configurations say the same but for the patterns of `MulticastInterfaces`.
 */
export function isSameButPatterns(a: string, b: string): boolean {
  const without = (json: string) => {
    const { MulticastInterfaces = [], ...rest } = JSON.parse(json) as {
      MulticastInterfaces?: readonly object[];
    };
    return [rest, MulticastInterfaces.map((entry) => ({ ...entry, Regex: undefined }))];
  };
  return Bun.deepEquals(without(a), without(b));
}

function notOurs(file: string, regex: string, bridge: string): MbctlError {
  return new MbctlError(
    "conflict",
    `Cannot keep yggdrasil's discovery off the bridge: the pattern ${JSON.stringify(regex)} in ${file} matches ${bridge} or vb-NAME`,
    {
      hint: `write a Regex that matches neither, such as "^${cards}", into MulticastInterfaces of ${file}`,
    },
  );
}

function readInterfaces(normalised: string): readonly MulticastInterface[] {
  const { MulticastInterfaces = [] } = JSON.parse(normalised) as {
    MulticastInterfaces?: readonly MulticastInterface[];
  };
  return MulticastInterfaces;
}

/** RE2 (Go) is what yggdrasil reads; but for flags in front, what people write there means the same here. */
function matches(regex: string, name: string, file: string): boolean {
  const [, flags = "", body = ""] = /^(?:\(\?([ims]+)\))?([\s\S]*)$/.exec(regex) ?? [];
  try {
    return new RegExp(body, flags).test(name);
  } catch {
    throw new MbctlError(
      "conflict",
      `Cannot understand the pattern ${JSON.stringify(regex)} in ${file}: it is no regular expression that mbctl can read`,
      { hint: `write "^${cards}" there, or another that matches neither the bridge nor vb-NAME` },
    );
  }
}

function patternFor(uplinks: readonly string[]): string {
  const others = uplinks.filter((name) => !new RegExp(`^${cards}`).test(name));
  const quoted = others.map((name) => name.replaceAll(/[.+]/g, "[$&]"));
  return quoted.length === 0 ? `^${cards}` : `^(${[cards, ...quoted].join("|")})$`;
}

/** A Regex and its value: in JSON and HJSON quoted, in HJSON also bare to the end of the line. */
const regexEntry =
  /(^|[\s{,])(["']?Regex["']?[ \t]*:[ \t]*)("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s"'#][^\n]*?(?=[ \t\r]*(?:\n|$)))/g;

function replaceRegexes(text: string, old: ReadonlySet<string>, replacement: string): string {
  const start = text.search(/["']?MulticastInterfaces["']?\s*:/);
  if (start < 0) return text;
  const edited = text.slice(start).replace(regexEntry, (whole, before, key, value) => {
    const quote = value[0] === '"' || value[0] === "'" ? value[0] : "";
    const plain =
      quote === '"' ? (JSON.parse(value) as string) : quote === "'" ? value.slice(1, -1) : value;
    return old.has(plain) ? `${before}${key}${quote}${replacement}${quote}` : whole;
  });
  return text.slice(0, start) + edited;
}
