/** A number as Go writes it in metrics (`%g`, as many digits as it takes): 21847, 3.620864e+06, 1e-05, +Inf. */
export function goFloat(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  if (Number.isInteger(value) && value > -1_000_000 && value < 1_000_000) return String(value);
  const scientific = value.toExponential();
  const mark = scientific.indexOf("e");
  const exponent = Number(scientific.slice(mark + 1));
  if (exponent >= -4 && exponent < 6) return String(value);
  const digits = String(Math.abs(exponent)).padStart(2, "0");
  return `${scientific.slice(0, mark)}e${exponent < 0 ? "-" : "+"}${digits}`;
}
