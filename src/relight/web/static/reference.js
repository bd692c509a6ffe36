// The reference: forms that ask the API from here and show what it answers; contents that follow the reader.

/** Characters of an answer that are shown; more would only be slow. */
const SHOWN_MAX = 200_000;
const HEADERS = ["Content-Type", "Status", "ETag", "Allow", "X-Request-Id"];
const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null)/g;

/** Make an element with text or elements in it. */
function element(name, className, ...content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

/** Put JSON text into an element, its tokens marked as the server marks those of the examples. */
function highlight(target, text) {
  let from = 0;
  for (const found of text.matchAll(TOKEN)) {
    const [, string, colon, number] = found;
    const kind = string ? (colon ? "j-key" : "j-str") : number ? "j-num" : "j-word";
    const token = string ?? found[0];
    target.append(text.slice(from, found.index), element("span", kind, token));
    from = found.index + token.length;
  }
  target.append(text.slice(from));
}

/** The path and query that a form asks for; what is empty is left out. */
function target(form) {
  let path = form.dataset.path;
  for (const input of form.querySelectorAll("[data-slot]")) {
    path = path.replace(`{${input.dataset.slot}}`, encodeURIComponent(input.value.trim()));
  }
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (value.trim()) query.append(name, value.trim());
  }
  return query.size ? `${path}?${query}` : path;
}

/** A line for the shell; a quote within ends, escapes and begins the quotes again. */
function curl(path) {
  return `curl '${(location.origin + path).replaceAll("'", "'\\''")}'`;
}

/** Show an answer below its form. */
function show(outcome, asked, { status, statusText, headers, text, tookMs }) {
  const line = element(
    "p",
    "outcome-line",
    element("span", status < 400 ? "code" : "code code-bad", `${status} ${statusText}`.trim()),
    element("span", "muted", `${Math.round(tookMs)} ms · ${text.length.toLocaleString()} characters`),
  );
  line.setAttribute("role", "status");
  const told = element("dl", "kv");
  for (const name of HEADERS) {
    if (headers.has(name)) told.append(element("dt", "", name), element("dd", "", headers.get(name)));
  }
  const request = element("p", "outcome-request", `GET ${asked}`);
  outcome.replaceChildren(request, line, told);
  if (text) {
    const body = element("pre", "json");
    body.tabIndex = 0;
    body.setAttribute("role", "group");
    body.setAttribute("aria-label", "Body of the answer");
    const code = element("code");
    highlight(code, pretty(text).slice(0, SHOWN_MAX));
    body.append(code);
    outcome.append(body);
  }
  if (text.length > SHOWN_MAX) outcome.append(element("p", "muted", "The rest is not shown here."));
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function send(form) {
  const outcome = document.getElementById(`outcome-${form.dataset.name}`);
  const button = form.querySelector("button");
  const asked = target(form);
  button.disabled = true;
  const from = performance.now();
  try {
    const answer = await fetch(asked, { cache: "no-store", credentials: "omit" });
    const text = await answer.text();
    show(outcome, asked, {
      status: answer.status,
      statusText: answer.statusText,
      headers: answer.headers,
      text,
      tookMs: performance.now() - from,
    });
  } catch {
    const sentence = element("p", "error", "The server did not answer.");
    sentence.setAttribute("role", "status");
    outcome.replaceChildren(sentence);
  } finally {
    outcome.hidden = false;
    button.disabled = false;
  }
}

for (const form of document.querySelectorAll("form[data-try]")) {
  for (const input of form.querySelectorAll("[data-slot]")) input.readOnly = false;
  const line = document.querySelector(`#curl-${form.dataset.name} code`);
  form.addEventListener("input", (event) => {
    // Key and user are the same in every form.
    const shared = event.target.dataset.shared;
    if (shared) {
      for (const other of document.querySelectorAll(`[data-shared="${shared}"]`)) other.value = event.target.value;
    }
    line.textContent = curl(target(form));
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    line.textContent = curl(target(form));
    send(form);
  });
}

// The contents mark the part that is being read; on a phone they begin closed.
const contents = document.querySelector(".reference-nav details");
const narrow = matchMedia("(max-width: 52rem)");
contents.open = !narrow.matches;
narrow.addEventListener("change", () => (contents.open = !narrow.matches));

const links = new Map();
for (const link of contents.querySelectorAll("a")) links.set(link.hash.slice(1), link);
const seen = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      const link = links.get(entry.target.id);
      link.setAttribute("aria-current", "true");
      const nav = link.closest("nav");
      const top = link.offsetTop - nav.offsetTop;
      if (top < nav.scrollTop || top > nav.scrollTop + nav.clientHeight - 40) nav.scrollTop = top - 80;
    }
  },
  { rootMargin: "0px 0px -80% 0px" },
);
for (const id of links.keys()) seen.observe(document.getElementById(id));
