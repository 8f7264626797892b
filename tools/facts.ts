/** The committed table src/api/facts/kubernetes.json: what the published Go modules say beyond the OpenAPI models. */
export interface Facts {
  source: string;
  /** Keyed by the prefix of OpenAPI definition names, e.g. `io.k8s.api.core.v1`. */
  packages: Record<string, PackageFacts>;
}

export interface PackageFacts {
  /** API group; absent when the package holds no kinds. */
  group?: string;
  enums: Record<string, string[]>;
  /**
   * Type -> JSON field -> `<protobuf number> <protobuf type>` and flags: `?` optional, `!` written even when empty,
   * `*` a pointer in Go, `inline`, `key=` patch merge key, `patch=` patch strategy, `list=` list type, `keys=` list map
   * keys, `map=` map type, `enum=` enum of this package, `go=` the type as Go's decoder
   * names it, `default=` JSON (always last). An embedded struct is `(Name)`.
   */
  types: Record<string, Record<string, string>>;
}
