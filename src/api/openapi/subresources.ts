/** OpenAPI of subresources with other types than their object. */
import type { KindDefinition } from "../definition.ts";
import type { Gvk, Method } from "./model.ts";

export interface OtherSubresource extends Gvk {
  /** Definition of the body; undefined for connections and texts. */
  definition?: string;
  /** Returned as text (logs). */
  text?: boolean;
  /** The options kind with its parameters. */
  options: string;
  methods: readonly Method[];
}

const everyMethod: readonly Method[] = ["get", "put", "post", "delete", "options", "head", "patch"];

const posted = (group: string, version: string, kind: string, definition: string): OtherSubresource => ({
  group,
  version,
  kind,
  definition,
  options: "",
  methods: ["post"],
});

const connection = (kind: string, methods: readonly Method[]): OtherSubresource => ({
  group: "",
  version: "v1",
  kind,
  options: kind,
  methods,
});

const others: Readonly<Record<string, OtherSubresource>> = {
  "pods/binding": posted("", "v1", "Binding", "io.k8s.api.core.v1.Binding"),
  "pods/eviction": posted("policy", "v1", "Eviction", "io.k8s.api.policy.v1.Eviction"),
  "serviceaccounts/token": posted(
    "authentication.k8s.io",
    "v1",
    "TokenRequest",
    "io.k8s.api.authentication.v1.TokenRequest",
  ),
  "pods/log": {
    group: "",
    version: "v1",
    kind: "Pod",
    text: true,
    options: "PodLogOptions",
    methods: ["get"],
  },
  "pods/attach": connection("PodAttachOptions", ["get", "post"]),
  "pods/exec": connection("PodExecOptions", ["get", "post"]),
  "pods/portforward": connection("PodPortForwardOptions", ["get", "post"]),
  "pods/proxy": connection("PodProxyOptions", everyMethod),
  "services/proxy": connection("ServiceProxyOptions", everyMethod),
  "nodes/proxy": connection("NodeProxyOptions", everyMethod),
};

/** undefined for a subresource that returns the object itself. */
export function otherSubresource(
  { group, plural }: KindDefinition,
  name: string,
): OtherSubresource | undefined {
  return group === "" ? others[`${plural}/${name}`] : undefined;
}
