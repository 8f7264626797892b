/** Fields that another version of a kind lacks, in the words of structured-merge-diff. */

/** A converted object has fields that the version's schema does not declare. */
export class UndeclaredField extends Error {
  /** `fields`: paths without the leading dot. */
  static of(fields: readonly string[]): UndeclaredField {
    const each = fields.map((field) => `.${field}: field not declared in schema`);
    return new UndeclaredField(each.length === 1 ? each[0] : `errors:\n  ${each.join("\n  ")}`);
  }
}

/** Runs `work`; adds the step to an `UndeclaredField`. */
export function during<T>(doing: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof UndeclaredField)) throw error;
    throw new UndeclaredField(`${doing}: ${error.message}`, { cause: error });
  }
}
