/** A type for strategic merge patches: how its fields merge. */
export interface PatchSchema {
  /** Go's name of the struct, if it is one. */
  name?: string;
  /** Undefined for unknown fields. */
  field(name: string): PatchField | undefined;
}

export interface PatchField {
  /** `merge`, `replace`, `retainKeys`; default: replace for lists, merge for objects. */
  strategies: readonly string[];
  /** Member that identifies an element of a merged list. */
  mergeKey?: string | undefined;
  /** Of the object, the list's elements, or the map's values. */
  schema?: PatchSchema | undefined;
}

/** For values below a map or of unknown type. */
export const noSchema: PatchSchema = { field: () => undefined };

export const directive = "$patch";
export const retainKeys = "$retainKeys";
export const deletePrimitives = "$deleteFromPrimitiveList/";
export const elementOrder = "$setElementOrder/";
