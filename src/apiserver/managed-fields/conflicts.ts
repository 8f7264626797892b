import {
  type ApplyConflicts,
  compareText,
  fieldPaths,
  fieldPathText,
  type ManagerEntry,
  StatusError,
} from "../../machinery/index.ts";

/** The 409 that names the owners of fields that an apply would change. */
export function conflictError({ conflicts }: ApplyConflicts): StatusError {
  const sorted = [...conflicts].sort((a, b) => compareText(identity(a.entry), identity(b.entry)));
  const found = sorted.flatMap(({ entry, set }) =>
    fieldPaths(set).map((path) => ({ manager: shown(entry), path: fieldPathText(path) })),
  );
  const causes = found.map(({ manager, path }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${manager}`,
    field: path,
  }));
  return new StatusError("Conflict", messageOf(found), { details: { causes } });
}

/** The key by which Kubernetes sorts managers. */
function identity({ manager, operation, apiVersion, subresource }: ManagerEntry): string {
  const version = operation === "Update" ? { apiVersion } : {};
  return JSON.stringify({ manager, operation, ...version, ...(subresource === "" ? {} : { subresource }) });
}

function shown({ manager, operation, apiVersion, subresource }: ManagerEntry): string {
  const name = `${JSON.stringify(manager)}${subresource === "" ? "" : ` with subresource ${JSON.stringify(subresource)}`}`;
  return operation === "Update" ? `${name} using ${apiVersion}` : name;
}

function messageOf(found: readonly { manager: string; path: string }[]): string {
  const [first] = found;
  if (found.length === 1 && first)
    return `Apply failed with 1 conflict: conflict with ${first.manager}: ${first.path}`;
  const byManager = Map.groupBy(found, ({ manager }) => manager);
  const parts = [...byManager].map(
    ([manager, list]) => `conflicts with ${manager}:\n${list.map(({ path }) => `- ${path}`).join("\n")}`,
  );
  return `Apply failed with ${found.length} conflicts: ${parts.join("\n")}`;
}
