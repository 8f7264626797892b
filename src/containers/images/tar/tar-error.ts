/** The archive is not a well-formed tar (or asks for something no layer may ask for). Nothing is wrong with the machine. */
export class TarError extends Error {
  override readonly name = "TarError";
}
