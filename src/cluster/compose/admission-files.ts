import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { readAdmissionConfiguration } from "../../apiserver/index.ts";
import { parseYamlDocuments } from "../../machinery/index.ts";
import { ClusterError } from "../cluster-error.ts";

const read = (path: string): unknown => parseYamlDocuments(readFileSync(path, "utf8"), path)[0]?.value;

/**
 * Configuration of admission plugins by name, from an AdmissionConfiguration or the files it names relative to itself. Of several
 * for a plugin the first counts. Throws a ClusterError.
 */
export function admissionFiles(path: string): Map<string, unknown> {
  try {
    const told = new Map<string, unknown>();
    for (const { name, path: file, configuration } of readAdmissionConfiguration(read(path)))
      if (!told.has(name))
        told.set(name, configuration ?? (file === "" ? undefined : read(resolve(dirname(path), file))));
    return told;
  } catch (cause) {
    throw new ClusterError(
      `unable to read admission control configuration from ${JSON.stringify(path)} [${(cause as Error).message}]`,
      { cause },
    );
  }
}
