/** What a client gave may lack fields that its type requires, until it is found to be in order. */
export const given = <T extends object>(value: T): Partial<T> => value;
