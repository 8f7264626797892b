/** What both versions of OpenAPI are made of. */

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
  /** Absent: it is about no kind (discovery). */
  action?: string;
  kind?: Gvk;
  parameters: readonly Parameter[];
  /** Media types of what is sent; version 2 names them even when nothing is sent. */
  consumes: readonly string[];
  /** Definition of the body. */
  body?: { definition: string; required: boolean };
  produces: readonly string[];
  /** Codes of success. */
  codes: readonly (200 | 201 | 202)[];
  /** Definition of the answer; a plain text without one. */
  result?: string;
}
