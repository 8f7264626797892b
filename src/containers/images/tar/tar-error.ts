/** The archive is not a valid tar (or is invalid as a layer). */
export class TarError extends Error {
  override readonly name = "TarError";
}
