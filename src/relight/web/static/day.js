// The page of a system: draws the period that came with it, and goes from period to period without
// loading the page anew. Without this script the links and the form do the same.

import { bars } from "./bars.js";
import { Plot, element, save, table } from "./charts.js";
import { curve } from "./curve.js";

const find = (id) => document.getElementById(id);
const SPREAD_MS = 2_000;
const AGAIN_MS = 60_000;
/** Which lines the reader switched, by name; the others are as the page says. */
const switched = new Map();
let shown = JSON.parse(find("shown").textContent);
let kindName = "curve";
let isTable = new URLSearchParams(location.search).has("table");
let plot = null;
let asking = null;

const isShown = (name) => switched.get(name) ?? chart().series.find((one) => one.name === name)?.is_shown ?? false;
const chart = () => (kindName === "curve" && shown.curve) || shown.bars;
/** What a chart and its table are made of. */
const pictured = () => JSON.stringify([shown.curve, shown.bars, shown.empty]);
const announce = (text) => (find("told").textContent = text);

function kind() {
  return chart() === shown.curve ? curve(shown.curve, shown.zone, isShown) : bars(shown.bars, isShown, (href) => go(href));
}

/** Draw the chart, or write the table, of what is shown. */
function draw() {
  plot?.destroy();
  plot = null;
  const drawn = chart();
  find("table").replaceChildren();
  find("frame").hidden = Boolean(shown.empty) || isTable;
  find("empty").hidden = !shown.empty;
  find("kinds").hidden = !shown.curve || !shown.bars;
  find("png").hidden = !drawn || isTable;
  find("as-table").hidden = !drawn;
  find("as-table").textContent = isTable ? "Show as chart" : "Show as table";
  series(drawn);
  if (!drawn) return;
  const what = kind();
  if (isTable) find("table").append(table(shown.texts.title, what.heads, what.rows()));
  else plot = new Plot(find("frame"), what, { label: summary(drawn), announce });
}

/** One sentence for who cannot see the chart. */
function summary(drawn) {
  const names = drawn.series.map((one) => one.label.toLowerCase()).join(" and ");
  const sums = `produced ${shown.texts.produced}` + (shown.texts.used === "–" ? "" : `, consumed ${shown.texts.used}`);
  return `Chart of ${names}: ${shown.texts.title}, ${sums}.`;
}

function series(drawn) {
  const all = drawn && drawn.series.length > 1 ? drawn.series : [];
  find("series").replaceChildren(...all.map((one) => {
    const button = element("button", { type: "button", className: `chip chip-button mark-${one.name}`, text: one.label, "aria-pressed": String(isShown(one.name)) });
    button.addEventListener("click", () => {
      switched.set(one.name, !isShown(one.name));
      draw();
      find("series").querySelector(`.mark-${one.name}`).focus();
    });
    return button;
  }));
}

/** Put everything that the page says of a period in its place. */
function fill() {
  const texts = { ...shown.texts, empty_title: shown.empty?.title ?? "", empty_text: shown.empty?.text ?? "" };
  for (const place of document.querySelectorAll("[data-text]")) {
    const text = texts[place.dataset.text];
    if (text !== undefined && place.textContent !== text) place.textContent = text;
  }
  for (const place of document.querySelectorAll("[data-tone]")) place.className = `figure tone-${shown.tones[place.dataset.tone] ?? "none"}`;
  for (const [id, href] of [["back", shown.back], ["on", shown.on]]) {
    const link = find(id);
    if (href) link.href = href;
    else link.removeAttribute("href");
    link.toggleAttribute("aria-disabled", !href);
    if (!href) link.setAttribute("aria-disabled", "true");
  }
  find("day").value = shown.day;
  find("day").max = shown.today;
  find("period-view").value = shown.view;
  const query = (view) => new URLSearchParams([...(view === "day" ? [] : [["view", view]]), ...(shown.day === shown.today ? [] : [["day", shown.day]])]).toString();
  for (const link of find("views").children) {
    const asked = query(link.dataset.view);
    link.href = `/systems/${shown.system_id}${asked ? `?${asked}` : ""}`;
    link.toggleAttribute("aria-current", false);
    if (link.dataset.view === shown.view) link.setAttribute("aria-current", "true");
  }
  find("today").href = `/systems/${shown.system_id}${shown.view === "day" ? "" : `?view=${shown.view}`}`;
  find("as-table").href = `?view=${shown.view}&day=${shown.day}&table=1`;
  downloads();
  same();
  requests();
}

function downloads() {
  for (const link of document.querySelectorAll("[data-download]")) {
    const isHours = shown.view === "day" && chart() === shown.bars && shown.curve;
    link.href = shown.downloads[link.dataset.download] + (isHours ? "&by=hour" : "");
  }
}

function same() {
  find("same").hidden = !shown.same.length;
  find("same-title").textContent = shown.same_title;
  find("same-lines").replaceChildren(...shown.same.map((one) => {
    const line = find("same-line").content.firstElementChild.cloneNode(true);
    const [link, share, text] = line.children;
    line.classList.toggle("is-here", one.is_here);
    if (one.is_here) link.setAttribute("aria-current", "true");
    link.href = one.href;
    link.textContent = one.label;
    share.firstElementChild.setAttribute("width", one.share);
    text.textContent = one.text;
    return line;
  }));
}

function requests() {
  find("requests").hidden = !shown.requests.length;
  find("request-lines").replaceChildren(...shown.requests.map((one) => {
    const code = element("code", { text: `GET ${location.origin}${one.path}` });
    const button = element("button", { type: "button", className: "button button-small", text: "Copy", "aria-label": `Copy the request: ${one.label}` });
    button.addEventListener("click", () => copy(button, code, location.origin + one.path));
    return element("li", {}, element("p", { text: one.label }), element("div", { className: "request" }, code, button));
  }));
}

async function copy(button, code, text) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(code);
    button.textContent = "Press Ctrl+C";
  }
  setTimeout(() => (button.textContent = "Copy"), 2000);
}

/** Go to a period at an address of this page; `isNew` is false where the browser went back to it. */
async function go(href, { isNew = true, isQuiet = false } = {}) {
  asking?.abort();
  const mine = (asking = new AbortController());
  if (!isQuiet) find("frame").classList.add("is-loading");
  try {
    const url = new URL(href, location.href);
    const answer = await fetch(`${url.pathname}/day.json${url.search}`, { signal: mine.signal, headers: { accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const before = isQuiet ? pictured() : "";
    shown = await answer.json();
    if (isNew) history.pushState(null, "", href);
    fill();
    // What is the same stays as it is: a table keeps its place, a key its focus.
    if (isQuiet && pictured() === before) return;
    const held = isQuiet ? plot?.index ?? null : null;
    const isFocused = find("frame").contains(document.activeElement);
    draw();
    if (isFocused) plot?.holder.focus();
    if (held !== null) plot?.show(held);
    if (!isQuiet) announce(`${shown.texts.title}: ${shown.empty ? shown.empty.title : `produced ${shown.texts.produced}`}`);
  } catch (error) {
    if (error.name === "AbortError") return;
    // Signed out, or the server is gone: the browser shows what there is to say.
    if (!isQuiet) location.assign(href);
  } finally {
    if (asking === mine) find("frame").classList.remove("is-loading");
  }
}

function isPlainClick(event) {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("#views a, #back, #on, #today, #same-lines a, #table a");
  if (!link || !isPlainClick(event)) return;
  event.preventDefault();
  if (link.href) go(link.getAttribute("href"));
});
find("as-table").addEventListener("click", (event) => {
  if (!isPlainClick(event)) return;
  event.preventDefault();
  isTable = !isTable;
  draw();
});
for (const button of find("kinds").children) {
  button.addEventListener("click", () => {
    kindName = button.dataset.kind;
    for (const one of find("kinds").children) one.setAttribute("aria-pressed", String(one === button));
    downloads();
    draw();
  });
}
const chosen = () => {
  const day = find("day");
  if (day.value && day.checkValidity() && day.value !== shown.day) go(`/systems/${shown.system_id}?${new URLSearchParams({ ...(shown.view === "day" ? {} : { view: shown.view }), day: day.value })}`);
};
find("day").addEventListener("change", chosen);
find("period-form").addEventListener("submit", (event) => {
  event.preventDefault();
  chosen();
});
find("go").hidden = true;
find("png").addEventListener("click", async () => {
  const title = `${document.querySelector("h1").textContent} – ${shown.texts.title}`;
  const legend = chart().series.filter((one) => isShown(one.name));
  save(await plot.picture(title, legend), `relight-${shown.system_id}-${shown.view}-${shown.day}.png`);
});
addEventListener("popstate", () => go(location.href, { isNew: false }));

// The arrow keys turn pages, unless something has the focus that has a use for them.
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (event.target.closest("input, select, textarea, summary, [tabindex='0'], .tabs, .top-nav")) return;
  const href = { ArrowLeft: shown.back, ArrowRight: shown.on }[event.key];
  if (!href) return;
  event.preventDefault();
  go(href);
});

// What comes in while the page is looked at; many pages do not ask at once.
let isDue = false;
function refresh() {
  if (isDue) return;
  isDue = true;
  setTimeout(() => {
    isDue = false;
    go(location.href, { isNew: false, isQuiet: true });
  }, Math.random() * SPREAD_MS);
}

// Where nothing comes in, "just now" grows old all the same.
setInterval(() => {
  if (!document.hidden) refresh();
}, AGAIN_MS);

fill();
draw();
// After the first view, which does not need it: a stream keeps a connection.
setTimeout(async () => {
  const { listen } = await import("./live.js");
  listen(() => `/systems/live?ids=${shown.system_id}.${shown.version}`, { system: refresh, gone: () => location.reload() });
}, 500);
