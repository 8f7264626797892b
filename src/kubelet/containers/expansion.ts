/**
 * `$(NAME)` expansion in commands, arguments and variables, as Kubernetes defines it: `$$` is a dollar sign, an unknown
 * reference stays unchanged.
 */
export function expandVariables(text: string, lookup: (name: string) => string | undefined): string {
  if (!text.includes("$")) return text;
  let out = "";
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    const next = text[i + 1];
    if (char !== "$" || next === undefined) {
      out += char;
    } else if (next === "$") {
      out += "$";
      i++;
    } else if (next === "(") {
      const end = text.indexOf(")", i + 2);
      if (end === -1) {
        // Without a closing parenthesis: literal, and the rest is expanded.
        out += "$(";
        i++;
        continue;
      }
      const name = text.slice(i + 2, end);
      out += lookup(name) ?? `$(${name})`;
      i = end;
    } else {
      out += char;
    }
  }
  return out;
}
