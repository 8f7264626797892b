import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname } from "node:path";
import { type Document, isMap, isSeq, parseDocument, YAMLMap, YAMLSeq } from "yaml";
import { type KubeconfigEntry, type NamedStanza, renderKubeconfig, stanzas } from "./entry.ts";
import { type Environment, kubeconfigPaths, kubeconfigTarget } from "./location.ts";

const sections = ["clusters", "users", "contexts"] as const;

/** Runs `change` while holding kubectl's own lock, `<file>.lock`; a lock left by a crash is broken after 5 s. */
function locked<T>(path: string, change: () => T): T {
  mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
  const lock = `${path}.lock`;
  const deadline = performance.now() + 5000;
  for (;;) {
    try {
      closeSync(openSync(lock, "wx", 0));
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      if (performance.now() > deadline) rmSync(lock, { force: true });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
  try {
    return change();
  } finally {
    rmSync(lock, { force: true });
  }
}

function load(path: string): Document {
  const document = parseDocument(existsSync(path) ? readFileSync(path, "utf8") : "");
  const [error] = document.errors;
  if (error)
    throw new Error(
      `${path} is not valid YAML (${error.message.split("\n")[0]}); repair it or set KUBECONFIG to another file`,
    );
  if (document.contents !== null && !isMap(document.contents))
    throw new Error(`${path} is not a kubeconfig: its top level is not a map`);
  return document;
}

function save(path: string, document: Document): void {
  writeFileSync(`${path}.wherry-new`, document.toString({ lineWidth: 0 }), { mode: 0o600 });
  renameSync(`${path}.wherry-new`, path);
}

function indexOf(list: YAMLSeq, name: string): number {
  return list.items.findIndex((item) => isMap(item) && item.get("name") === name);
}

function put(document: Document, section: string, stanza: NamedStanza): void {
  let list = document.get(section);
  if (!isSeq(list)) {
    list = new YAMLSeq();
    document.set(section, list);
  }
  const at = indexOf(list as YAMLSeq, stanza.name);
  const node = document.createNode(stanza);
  if (at < 0) (list as YAMLSeq).items.push(node);
  else (list as YAMLSeq).items[at] = node;
}

/**
 * Adds or replaces the entry where kubectl would, leaves everything else (including comments) as it is, and makes it the current
 * context. Returns the file. Writes nothing when it is unchanged.
 */
export function mergeKubeconfig(entry: KubeconfigEntry, env?: Environment): string {
  const holds = (path: string): boolean => {
    if (!existsSync(path)) return false;
    const list = load(path).get("contexts");
    return isSeq(list) && indexOf(list, entry.name) >= 0;
  };
  const path = kubeconfigPaths(env).find(holds) ?? kubeconfigTarget(env);
  return locked(path, () => {
    if (!existsSync(path) || readFileSync(path, "utf8").trim() === "") {
      writeFileSync(`${path}.wherry-new`, renderKubeconfig(entry), { mode: 0o600 });
      renameSync(`${path}.wherry-new`, path);
      return path;
    }
    const document = load(path);
    const before = document.toString({ lineWidth: 0 });
    document.contents ??= new YAMLMap();
    for (const [key, value] of [
      ["apiVersion", "v1"],
      ["kind", "Config"],
    ] as const)
      if (!document.has(key)) document.set(key, value);
    const parts = stanzas(entry);
    for (const section of sections) put(document, section, parts[section]);
    document.set("current-context", entry.name);
    if (document.toString({ lineWidth: 0 }) !== before) save(path, document);
    return path;
  });
}

/** Removes the entry from every file that kubectl reads. A file that wherry created and that is empty then is deleted. */
export function removeFromKubeconfig(name: string, env?: Environment): void {
  const emptied = new Set<string>();
  for (const path of kubeconfigPaths(env)) {
    if (!existsSync(path) || !readFileSync(path, "utf8").includes(name)) continue;
    locked(path, () => {
      const document = load(path);
      let left = 0;
      let changed = false;
      for (const section of sections) {
        const list = document.get(section);
        if (!isSeq(list)) continue;
        const at = indexOf(list, name);
        if (at >= 0) {
          list.items.splice(at, 1);
          changed = true;
        }
        left += list.items.length;
      }
      if (document.get("current-context") === name) {
        document.set("current-context", "");
        changed = true;
      }
      if (changed && left === 0) {
        rmSync(path);
        emptied.add(dirname(path));
      } else if (changed) save(path, document);
    });
  }
  for (const dir of emptied) {
    try {
      if (basename(dir) === ".kube") rmdirSync(dir);
    } catch {
      // kubectl's cache, or other files of the user
    }
  }
}
