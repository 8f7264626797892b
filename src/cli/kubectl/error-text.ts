import { StatusError } from "../../machinery/index.ts";

/** Errors in kubectl's words; `doing` is the operation: `creating "web.yaml"`. */
export function errorText(error: unknown, doing?: string): string {
  if (error instanceof StatusError) {
    if (error.reason === "Unauthorized") return "error: You must be logged in to the server (Unauthorized)";
    if (error.code === 404 && error.message === "404 page not found") {
      return "Error from server (NotFound): the server could not find the requested resource";
    }
    if (error.reason === "Invalid")
      return error.message.startsWith("The ") ? error.message : invalidText(error);
    const when = doing === undefined ? "" : `error when ${doing}: `;
    return `Error from server${error.reason ? ` (${error.reason})` : ""}: ${when}${error.message}`;
  }
  if (error instanceof Error) {
    const code =
      (error as NodeJS.ErrnoException).code ?? (error.cause as NodeJS.ErrnoException | undefined)?.code;
    if (code === "ECONNREFUSED") {
      const cause = (error.cause ?? error) as { address?: string; port?: number };
      const where = cause.address ? `${cause.address}:${cause.port}` : "the API server";
      return `The connection to the server ${where} was refused - did you specify the right host or port? Is the cluster up ('wherry status')?`;
    }
    return `error: ${error.message}`;
  }
  return `error: ${String(error)}`;
}

function invalidText(error: StatusError): string {
  const kind = error.details?.kind ?? "";
  const name = error.details?.name ?? "";
  const causes = error.details?.causes ?? [];
  if (causes.length === 0) return `The request is invalid: ${error.message}`;
  const texts = causes.map((cause) =>
    cause.field ? `${cause.field}: ${cause.message}` : (cause.message ?? ""),
  );
  const head = name === "" ? `The ${kind} is invalid` : `The ${kind} "${name}" is invalid`;
  return texts.length === 1
    ? `${head}: ${texts[0]}`
    : `${head}: \n${texts.map((text) => `* ${text}`).join("\n")}`;
}
