/** Projected and downward API volumes: files of several sources in one directory. */
import { forbidden, invalid, required } from "../../../machinery/index.ts";
import type { FieldError } from "../../definition.ts";
import type {
  DownwardAPIVolumeFile,
  KeyToPath,
  ProjectedVolumeSource,
  VolumeProjection,
} from "../../generated/types.ts";
import { descendingUnreserved, fileMode } from "../path-rules.ts";
import { validateFieldRef, validateResourceRef, volumeFields } from "./environment.ts";

export function validateItem(item: KeyToPath, path: string, errors: FieldError[]): void {
  if (!item.key) errors.push(required(`${path}.key`));
  if (!item.path) errors.push(required(`${path}.path`));
  descendingUnreserved(item.path ?? "", `${path}.path`, errors);
  fileMode(item.mode, `${path}.mode`, errors);
}

/** Errors are reported for the source, without the item's index. */
export function validateDownwardFile(file: DownwardAPIVolumeFile, path: string, errors: FieldError[]): void {
  if (!file.path) errors.push(required(`${path}.path`));
  descendingUnreserved(file.path ?? "", `${path}.path`, errors);
  if (file.fieldRef) {
    validateFieldRef(file.fieldRef, volumeFields, `${path}.fieldRef`, errors);
    if (file.resourceFieldRef) {
      const text = "fieldRef and resourceFieldRef can not be specified simultaneously";
      errors.push(invalid(path, "resource", text));
    }
  } else if (file.resourceFieldRef)
    validateResourceRef(file.resourceFieldRef, true, `${path}.resourceFieldRef`, errors);
  else errors.push(required(path, "one of fieldRef and resourceFieldRef is required"));
  fileMode(file.mode, `${path}.mode`, errors);
}

const minTokenSeconds = 600;
const maxTokenSeconds = 2 ** 32;

class Projection {
  readonly #paths = new Set<string>();
  readonly #path: string;
  readonly #errors: FieldError[];

  constructor(path: string, errors: FieldError[]) {
    this.#path = path;
    this.#errors = errors;
  }

  /** Two sources must not write the same file; `owner` is shown in the message. */
  #take(file: string | undefined, owner: string): void {
    if (!file) return;
    if (this.#paths.has(file)) this.#errors.push(invalid(this.#path, owner, "conflicting duplicate paths"));
    this.#paths.add(file);
  }

  validate(source: VolumeProjection, path: string): void {
    const errors = this.#errors;
    for (const kind of ["secret", "configMap"] as const) {
      const ref = source[kind];
      if (!ref) continue;
      if (!ref.name) errors.push(required(`${path}.${kind}.name`));
      for (const [i, item] of (ref.items ?? []).entries()) {
        validateItem(item, `${path}.${kind}.items[${i}]`, errors);
        this.#take(item.path, ref.name ?? "");
      }
    }
    for (const file of source.downwardAPI?.items ?? []) {
      validateDownwardFile(file, `${path}.downwardAPI`, errors);
      this.#take(file.path, file.path);
    }
    if (source.serviceAccountToken) this.#token(source.serviceAccountToken, `${path}.serviceAccountToken`);
    if (Object.keys(source).length > 1)
      errors.push(forbidden(path, "may not specify more than 1 volume type per source"));
  }

  /** Its path is validated like the volume's. */
  #token(token: { path: string; expirationSeconds?: number }, path: string): void {
    const seconds = token.expirationSeconds ?? 3600;
    const say = (text: string): void => {
      this.#errors.push(invalid(`${path}.expirationSeconds`, seconds, text));
    };
    if (seconds < minTokenSeconds) say("may not specify a duration less than 10 minutes");
    if (seconds > maxTokenSeconds) say("may not specify a duration larger than 2^32 seconds");
    if (!token.path) this.#errors.push(required(`${this.#path}.path`));
    else descendingUnreserved(token.path, `${this.#path}.path`, this.#errors);
  }
}

export function validateProjected(volume: ProjectedVolumeSource, path: string, errors: FieldError[]): void {
  fileMode(volume.defaultMode, `${path}.defaultMode`, errors);
  const projection = new Projection(path, errors);
  for (const [i, source] of (volume.sources ?? []).entries())
    projection.validate(source, `${path}.sources[${i}]`);
}
