/** What a strategic merge patch must know of a type: how its fields merge. */
export interface PatchSchema {
  /** Go's name of the struct; undefined for what is none. */
  name?: string;
  /** Undefined for fields nobody knows. */
  field(name: string): PatchField | undefined;
}

export interface PatchField {
  /** `merge`, `replace`, `retainKeys`; none means replace for lists and merge for objects. */
  strategies: readonly string[];
  /** Member that identifies an element of a merged list. */
  mergeKey?: string | undefined;
  /** Of the object, of the list's elements, or of the map's values. */
  schema?: PatchSchema | undefined;
}

/** For values below a map or of unknown type. */
export const noSchema: PatchSchema = { field: () => undefined };

export const directive = "$patch";
export const retainKeys = "$retainKeys";
export const deletePrimitives = "$deleteFromPrimitiveList/";
export const elementOrder = "$setElementOrder/";
