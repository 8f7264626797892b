export interface Entry {
  text: string;
  /** ISO 8601. */
  at: string;
}

const escapes: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escape = (text: string): string => text.replace(/[&<>"']/g, (c) => escapes[c] as string);

/** The page for people. Works without JavaScript: the form posts, the server redirects back. */
export function renderPage(title: string, entries: readonly Entry[] | undefined, pod: string): string {
  const list =
    entries === undefined
      ? '<p class="note">The entries cannot be read just now. Please try again in a moment.</p>'
      : entries.length === 0
        ? '<p class="note">Nobody has written anything yet. Be the first!</p>'
        : `<ol reversed>${entries.map((e) => `<li><span>${escape(e.text)}</span><time>${escape(e.at)}</time></li>`).join("")}</ol>`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 40rem; margin: 3rem auto; padding: 0 1rem; }
  form { display: flex; gap: .5rem; }
  input { flex: 1; }
  input, button { font: inherit; padding: .5rem .75rem; }
  li { padding: .25rem 0; overflow-wrap: anywhere; }
  time, footer, .note { opacity: .65; font-size: .85rem; }
  time { margin-left: .75rem; }
</style>
<h1>${escape(title)}</h1>
<form method="post" action="/entries">
  <input name="text" maxlength="500" required autofocus placeholder="Write something" aria-label="Your entry">
  <button>Sign</button>
</form>
${list}
<footer>served by ${escape(pod)}</footer>
</html>
`;
}
