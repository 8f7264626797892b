import type { AuthenticationConfig } from "./oidc/config.ts";

/** Where requests without credentials are authenticated as system:anonymous: by default everywhere. */
export class AnonymousRule {
  #config: AuthenticationConfig["anonymous"];

  use(config: AuthenticationConfig["anonymous"]): void {
    this.#config = config;
  }

  allows(path: string): boolean {
    if (!this.#config) return true;
    const { enabled, conditions = [] } = this.#config;
    return enabled && (conditions.length === 0 || conditions.some((each) => each.path === path));
  }
}
