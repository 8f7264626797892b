import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { CriError } from "../../../cri/index.ts";
import { invalid, notFound } from "../image-error.ts";
import { runCommand } from "./command.ts";

/** A package file on this machine. */
export interface PackageFile {
  /** `redis-server_5%3a7.0.15-1_amd64.deb`: name, version, architecture. */
  file: string;
  path: string;
}

/**
 * Packages that others need only for their installation scripts. Scripts are not run, so these count as installed, unless they
 * are requested by name or needed in an exact version.
 */
const onlyForScripts = [
  "adduser",
  "base-files",
  "base-passwd",
  "bash",
  "coreutils",
  "dash",
  "debconf",
  "debianutils",
  "dpkg",
  "init-system-helpers",
  "install-info",
  "libpam-runtime",
  "login",
  "lsb-base",
  "mawk",
  "passwd",
  "perl-base",
  "sed",
  "sensible-utils",
  "systemd",
  "sysvinit-utils",
  "tar",
  "ucf",
  "usr-is-merged",
  "usrmerge",
];

/**
 * Resolves packages and their dependencies with the machine's apt (its sources, its signatures), as if nothing was installed,
 * and downloads those missing in `dir`. Errors: NotFound for an unknown package, Unavailable without apt.
 */
export async function fetchPackages(
  packages: readonly string[],
  dir: string,
  note: (text: string) => void,
  again = false,
): Promise<PackageFile[]> {
  for (const name of packages) {
    if (!/^[a-z0-9][a-z0-9+.-]+$/.test(name)) throw invalid(`"${name}" is not the name of a Debian package`);
  }
  for (const archive of ["archives", "none"]) mkdirSync(`${dir}/${archive}/partial`, { recursive: true });
  writeFileSync(`${dir}/status`, pretendStatus(packages));
  let listed = await list(packages, dir);
  if (listed.code !== 0 && /Unable to locate package|has no installation candidate/.test(listed.stderr)) {
    // Package lists may be missing or outdated.
    note("fetching Debian's package lists (apt-get update)");
    await runCommand("apt-get", ["-q", "update"]);
    listed = await list(packages, dir);
  }
  if (listed.code !== 0) throw complaint(packages, listed.code, listed.stderr);
  const wanted = parseUris(listed.stdout);
  if (wanted.length === 0) throw complaint(packages, 1, listed.stderr || "apt-get names no files for them");
  const paths = wanted.map(({ file }) => ({ file, path: `${dir}/archives/${file}` }));
  const missing = wanted.filter(({ file, size }) => sizeOf(`${dir}/archives/${file}`) !== size);
  if (missing.length > 0) {
    const megabytes = missing.reduce((sum, { size }) => sum + size, 0) / 1e6;
    note(`downloading ${missing.length} Debian packages (${megabytes.toFixed(1)} MB)`);
    const download = () =>
      runCommand("apt-get", [...options(dir), "-q", "-y", "--download-only", "install", ...packages]);
    const done = await download();
    if (done.code !== 0 && !again && /404 +Not Found/.test(done.stderr)) {
      // The lists are outdated: their packages were replaced on the mirror.
      note("fetching Debian's package lists (apt-get update)");
      await runCommand("apt-get", ["-q", "update"]);
      return fetchPackages(packages, dir, note, true);
    }
    if (done.code !== 0) throw complaint(packages, done.code, done.stderr);
    const still = missing.find(({ file, size }) => sizeOf(`${dir}/archives/${file}`) !== size);
    if (still !== undefined) throw new CriError("Unavailable", `apt did not deliver ${still.file}`);
  }
  return paths;
}

const sizeOf = (path: string): number | undefined => (existsSync(path) ? statSync(path).size : undefined);

const list = (packages: readonly string[], dir: string) =>
  runCommand("apt-get", [
    ...options(dir),
    // apt does not print packages in its archive directory, so an empty one is used.
    ...["-o", "Dir::Cache::archives=none"],
    ...["-qq", "-y", "--print-uris", "install", ...packages],
  ]);

function options(dir: string): string[] {
  return [
    `Dir::State::status=${dir}/status`,
    `Dir::Cache=${dir}`,
    "Dir::Cache::archives=archives",
    "Dir::Cache::pkgcache=pkgcache.bin",
    "Dir::Cache::srcpkgcache=",
    // All output is in wherry's own directory, so that it is independent of other apt runs.
    "Debug::NoLocking=1",
    "APT::Install-Recommends=false",
    "APT::Install-Suggests=false",
    "APT::Sandbox::User=root",
    "APT::Keep-Downloaded-Packages=true",
    "APT::Get::AllowUnauthenticated=false",
  ].flatMap((option) => ["-o", option]);
}

/** A dpkg status file with only the packages for scripts, in a version that satisfies all. */
function pretendStatus(asked: readonly string[]): string {
  return onlyForScripts
    .filter((name) => !asked.includes(name))
    .map((name) =>
      [
        `Package: ${name}`,
        "Status: install ok installed",
        "Maintainer: nobody <nobody@localhost>",
        "Architecture: all",
        "Multi-Arch: foreign",
        "Version: 999:999",
        ...(name === "debconf" ? ["Provides: debconf-2.0"] : []),
        "Description: not needed in an image\n",
      ].join("\n"),
    )
    .join("\n");
}

/** Lines of `apt-get --print-uris`: 'URI' file size hash. */
function parseUris(text: string): { file: string; size: number }[] {
  const found: { file: string; size: number }[] = [];
  for (const line of text.split("\n")) {
    const match = /^'[^']+' (\S+\.deb) ([0-9]+)/.exec(line);
    if (match !== null && !(match[1] as string).includes("/"))
      found.push({ file: match[1] as string, size: Number(match[2]) });
  }
  return found.sort((a, b) => (a.file < b.file ? -1 : 1));
}

function complaint(packages: readonly string[], code: number, stderr: string): CriError {
  if (code === 127) {
    return new CriError(
      "Unavailable",
      "base images out of Debian packages need apt-get, which this machine does not have. Build elsewhere and load the image (wherry image save, wherry image load)",
    );
  }
  const unknown = /Unable to locate package (\S+)/.exec(stderr)?.[1];
  if (unknown !== undefined)
    return notFound(
      `Debian has no package "${unknown}" (apt-cache search ${unknown} looks for similar ones)`,
    );
  const lines = stderr.split("\n").filter((line) => line.startsWith("E:"));
  const why =
    lines.map((line) => line.slice(2).trim()).join(" ") || stderr.trim() || `apt-get ended with ${code}`;
  return new CriError("Unavailable", `the Debian packages ${packages.join(", ")} cannot be fetched: ${why}`);
}
