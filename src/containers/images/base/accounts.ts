export interface Account {
  name: string;
  id: number;
  home: string;
}

/**
 * System users that a package's installation script creates, parsed from the script (`adduser --system ... name`). Other
 * scripts are not understood, and the image then lacks the user: `USER` also accepts a number.
 */
export function accountsOf(script: string): { name: string; home: string }[] {
  const found: { name: string; home: string }[] = [];
  const variables = new Map<string, string>();
  for (const raw of script.replace(/\\\n/g, " ").split("\n")) {
    const line = raw.replace(/\$\{?([A-Za-z_]+)\}?/g, (text, name: string) => variables.get(name) ?? text);
    const set = /^\s*([A-Za-z_]+)=["']?([A-Za-z0-9_./-]+)["']?\s*$/.exec(line);
    if (set !== null) variables.set(set[1] as string, set[2] as string);
    const match = /(?:^|[\s;&|(])(?:adduser|useradd)\s+(.*--system.*)$/.exec(line);
    if (match === null) continue;
    const words = (match[1] as string)
      .replace(/[;&|>)].*$/, "")
      .trim()
      .split(/\s+/);
    const plain = words.map((word) => word.replace(/^["']|["']$/g, ""));
    const name = plain.filter((word, at) => !word.startsWith("-") && !takesValue(plain[at - 1])).at(-1);
    if (name === undefined || !/^[a-z_][a-z0-9_-]*$/.test(name)) continue;
    const at = plain.findIndex((word) => word === "--home" || word === "--home-dir" || word === "-d");
    const home = at >= 0 ? plain[at + 1] : plain.find((word) => word.startsWith("--home="))?.slice(7);
    if (!found.some((other) => other.name === name))
      found.push({ name, home: home?.startsWith("/") ? home : "/nonexistent" });
  }
  return found;
}

const takesValue = (word: string | undefined): boolean =>
  word !== undefined &&
  /^(--(home|home-dir|shell|gecos|comment|ingroup|gid|uid|conf|firstuid|lastuid)|-[dscgu])$/.test(word);

/** Debian's fixed numbers of common system users. */
const fixed: readonly (readonly [string, number, string])[] = [
  ["root", 0, "/root"],
  ["daemon", 1, "/usr/sbin"],
  ["bin", 2, "/bin"],
  ["sys", 3, "/dev"],
  ["mail", 8, "/var/mail"],
  ["www-data", 33, "/var/www"],
  ["nobody", 65534, "/nonexistent"],
];

const groups = ["tty:5", "disk:6", "adm:4", "shadow:42", "utmp:43", "staff:50", "users:100"];

export function passwdFile(accounts: readonly Account[]): string {
  const row = (name: string, id: number, home: string): string =>
    `${name}:x:${id}:${id}:${name}:${home}:${id === 0 ? "/bin/sh" : "/usr/sbin/nologin"}\n`;
  return [
    ...fixed.map(([name, id, home]) => row(name, id, home)),
    ...accounts.map((a) => row(a.name, a.id, a.home)),
  ].join("");
}

export function groupFile(accounts: readonly Account[]): string {
  const own = [
    ...fixed.map(([name, id]) => [name === "nobody" ? "nogroup" : name, id] as const),
    ...accounts.map((a) => [a.name, a.id] as const),
  ];
  const more = groups.map((text) => text.split(":") as [string, string]);
  return [...own, ...more].map(([name, id]) => `${name}:x:${id}:\n`).join("");
}
