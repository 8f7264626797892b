/** Objects from clients may lack required fields until they are validated. */
export const given = <T extends object>(value: T): Partial<T> => value;
