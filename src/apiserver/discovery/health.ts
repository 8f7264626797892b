import { type Answer, textAnswer } from "../response.ts";

type Check = () => void | Promise<void>;

/** /healthz, /livez and /readyz with their checks, in Kubernetes' format. */
export class Health {
  readonly #checks: ReadonlyMap<string, Check>;

  constructor(checks: ReadonlyMap<string, Check>) {
    this.#checks = checks;
  }

  *paths(): Generator<string> {
    for (const endpoint of ["healthz", "livez", "readyz"]) {
      yield `/${endpoint}`;
      for (const name of this.#checks.keys())
        if (name !== "shutdown" || endpoint === "readyz") yield `/${endpoint}/${name}`;
    }
  }

  /** undefined for a check that does not exist. */
  async answer(path: string, query: URLSearchParams): Promise<Answer | undefined> {
    const [, endpoint = "", ...rest] = path.split("/");
    // The names of checks have slashes too: poststarthook/rbac/bootstrap-roles.
    const single = rest.join("/");
    // A server that ends is still alive; only new requests should go elsewhere.
    let checks = [...this.#checks].filter(([name]) => name !== "shutdown" || endpoint === "readyz");
    if (rest.length > 0) {
      checks = checks.filter(([name]) => name === single);
      if (checks.length === 0) return undefined;
    }
    const excluded = new Set(query.getAll("exclude"));
    const lines: string[] = [];
    let failed = false;
    for (const [name, check] of checks) {
      if (excluded.delete(name)) {
        lines.push(`[+]${name} excluded: ok`);
        continue;
      }
      try {
        await check();
        lines.push(`[+]${name} ok`);
      } catch {
        failed = true;
        lines.push(`[-]${name} failed: reason withheld`);
      }
    }
    if (excluded.size > 0) {
      const unknown = [...excluded].toSorted().map((name) => JSON.stringify(name));
      lines.push(`warn: some health checks cannot be excluded: no matches for ${unknown.join(",")}`);
    }
    if (failed) return textAnswer(500, `${lines.join("\n")}\n${endpoint} check failed\n`);
    if (!query.has("verbose")) {
      const answer = textAnswer(200, "ok");
      if (rest.length > 0) delete answer.headers["x-content-type-options"];
      return answer;
    }
    return textAnswer(200, `${lines.join("\n")}\n${endpoint} check passed\n`);
  }
}
