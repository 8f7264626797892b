/** Attributes with a URL, by element (HTML 4.01 and 5, as in Kubernetes' proxy). */
const attributes: Readonly<Record<string, readonly string[]>> = {
  a: ["href"],
  applet: ["codebase"],
  area: ["href"],
  audio: ["src"],
  base: ["href"],
  blockquote: ["cite"],
  body: ["background"],
  button: ["formaction"],
  command: ["icon"],
  del: ["cite"],
  embed: ["src"],
  form: ["action"],
  frame: ["longdesc", "src"],
  head: ["profile"],
  html: ["manifest"],
  iframe: ["longdesc", "src"],
  img: ["longdesc", "src", "usemap"],
  input: ["src", "usemap", "formaction"],
  ins: ["cite"],
  link: ["href"],
  object: ["classid", "codebase", "data", "usemap"],
  q: ["cite"],
  script: ["src"],
  source: ["src"],
  track: ["src"],
  video: ["poster", "src"],
};

const tag = /<([a-zA-Z][a-zA-Z0-9]*)(\s[^<>]*)>/g;
const attribute = /([a-zA-Z-]+)(\s*=\s*)("([^"]*)"|'([^']*)'|([^\s"'>]+))/g;

/** Prefixes a page's root-relative links, so that they work through the proxy. */
export function prefixLinks(html: string, prefix: string): string {
  return html.replace(tag, (whole, element: string, rest: string) => {
    const known = attributes[element.toLowerCase()];
    if (!known) return whole;
    const changed = rest.replace(attribute, (each, name: string, equals: string, value: string) => {
      if (!known.includes(name.toLowerCase())) return each;
      const quote = value[0] === '"' || value[0] === "'" ? value[0] : "";
      const url = quote === "" ? value : value.slice(1, -1);
      // `//host` is another host.
      if (!url.startsWith("/") || url.startsWith("//")) return each;
      return `${name}${equals}${quote}${prefix}${url}${quote}`;
    });
    return `<${element}${changed}>`;
  });
}
