/** The common model of both versions of OpenAPI. */

export type OpenApiVersion = 2 | 3;
export type Json = Record<string, unknown>;

export interface Gvk {
  group: string;
  version: string;
  kind: string;
}

export interface Parameter {
  name: string;
  in: "query" | "path";
  type: string;
  description?: string;
  required?: true;
}

export type Method = "get" | "put" | "post" | "delete" | "options" | "head" | "patch";

export interface Operation {
  path: string;
  method: Method;
  id: string;
  tag: string;
  description: string;
  /** Undefined without a kind (discovery). */
  action?: string;
  kind?: Gvk;
  parameters: readonly Parameter[];
  /** Media types of the request; version 2 has them even without a body. */
  consumes: readonly string[];
  /** Definition of the body. */
  body?: { definition: string; required: boolean };
  produces: readonly string[];
  /** Success codes. */
  codes: readonly (200 | 201 | 202)[];
  /** Definition of the response; text without one. */
  result?: string;
}
