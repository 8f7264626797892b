/** Finds members that appear twice in one object of a JSON text, which JSON.parse silently forgives. */

/** Paths such as `spec.containers[0].image`, in the order they are met. The text must be valid JSON. */
export function duplicateMembers(text: string): string[] {
  const found: string[] = [];
  let at = 0;

  const space = (): void => {
    while (at < text.length && text.charCodeAt(at) <= 32) at++;
  };
  /** Skips a string; its raw text without quotes. */
  const string = (): string => {
    const start = ++at;
    while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
    return text.slice(start, at++);
  };
  const value = (path: string): void => {
    space();
    const char = text[at];
    if (char === "{") object(path);
    else if (char === "[") list(path);
    else if (char === '"') string();
    else while (at < text.length && !",]} \n\r\t".includes(text[at] as string)) at++;
    space();
  };
  const object = (path: string): void => {
    at++;
    const seen = new Set<string>();
    space();
    while (at < text.length && text[at] !== "}") {
      const raw = string();
      const name = raw.includes("\\") ? (JSON.parse(`"${raw}"`) as string) : raw;
      const here = path === "" ? name : `${path}.${name}`;
      if (seen.has(name)) found.push(here);
      seen.add(name);
      space();
      at++;
      value(here);
      if (text[at] === ",") at++;
      space();
    }
    at++;
  };
  const list = (path: string): void => {
    at++;
    space();
    for (let i = 0; at < text.length && text[at] !== "]"; i++) {
      value(`${path}[${i}]`);
      if (text[at] === ",") at++;
      space();
    }
    at++;
  };
  value("");
  return [...new Set(found)];
}
