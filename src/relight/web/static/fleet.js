// The list of systems keeps itself up to date: what is told goes into the page as text alone.

import { listen } from "./live.js";

const fleet = document.getElementById("fleet");
const words = JSON.parse(document.getElementById("status-words").textContent);
const said = document.getElementById("fleet-said");
const versions = new Map(fleet.dataset.live.split(",").map((one) => one.split(".")));
// The server's clock may be another one than the reader's.
const ahead_s = Number(fleet.dataset.now) - Date.now() / 1000;
const SAY_EVERY_MS = 20_000;
const AGO_EVERY_MS = 30_000;
const SIZES = [[86_400, "day"], [3_600, "hour"], [60, "minute"]];

function element(systemId, part) {
  return fleet.querySelector(`[data-system="${Number(systemId)}"]${part ? ` [data-part="${part}"]` : ""}`);
}

function setMeasure(place, [value, unit]) {
  if (!place) return;
  place.querySelector(".value").textContent = value;
  place.querySelector(".unit").textContent = unit;
}

/** How long ago an instant was, in the words that the server uses. */
function ago(at) {
  const past_s = Date.now() / 1000 + ahead_s - at;
  if (past_s < -60) return "in the future";
  if (past_s < 90) return "just now";
  const [size_s, name] = SIZES.find(([one]) => past_s >= 2 * one) ?? SIZES[2];
  const count = Math.floor(past_s / size_s);
  return `${count} ${name}${count === 1 ? "" : "s"} ago`;
}

function setHeard(place, told) {
  if (told.last_report_at === null) return;
  let time = place.querySelector("time");
  if (!time) {
    time = document.createElement("time");
    place.replaceChildren(time);
  }
  time.dateTime = new Date(told.last_report_at * 1000).toISOString();
  time.title = told.last_report;
  time.textContent = ago(told.last_report_at);
}

const changes = new Map();
/** Tell of changed states alone, several together, at most every so often: numbers change all the time. */
function say(name, text) {
  if (!changes.size) {
    setTimeout(() => {
      said.textContent = [...changes].map(([one, state]) => `${one}: ${state}`).join(". ");
      changes.clear();
    }, said.textContent ? SAY_EVERY_MS : 0);
  }
  changes.set(name, text);
}

function setStatus(line, told) {
  const badge = element(told.system_id, "status").querySelector(".badge");
  if (badge.dataset.status === told.status) return;
  const [kind, text] = words[told.status] ?? ["idle", told.status];
  badge.className = `badge badge-${kind}`;
  badge.dataset.status = told.status;
  badge.textContent = text;
  say(line.querySelector("a").textContent, text);
}

function setLine(told) {
  const line = element(told.system_id);
  if (!line) return;
  versions.set(String(told.system_id), String(told.version));
  setStatus(line, told);
  setMeasure(element(told.system_id, "power"), told.power);
  setMeasure(element(told.system_id, "today"), told.today);
  setHeard(element(told.system_id, "heard"), told);
  const picture = element(told.system_id, "picture");
  picture.setAttribute("aria-label", told.words);
  picture.querySelector(".spark-line").setAttribute("d", told.line);
  picture.querySelector(".spark-area").setAttribute("d", told.area);
  line.classList.remove("is-news");
  requestAnimationFrame(() => line.classList.add("is-news"));
}

setInterval(() => {
  for (const time of fleet.querySelectorAll("[data-part='heard'] time")) {
    time.textContent = ago(Date.parse(time.dateTime) / 1000);
  }
}, AGO_EVERY_MS);

const address = () => `/systems/live?totals=1&ids=${[...versions].map((one) => one.join(".")).join(",")}`;
// After the first view: a stream keeps a connection.
setTimeout(() => {
  listen(address, {
    system: setLine,
    totals: (told) => {
      for (const name of ["power", "today"]) {
        setMeasure(document.getElementById(`total-${name}`), told[name]);
        const note = document.getElementById(`${name}-note`);
        note.textContent = told[`${name}_unknown`] || note.dataset.otherwise;
      }
    },
    gone: ({ system_id }) => {
      versions.delete(String(system_id));
      element(system_id)?.remove();
    },
  });
}, 500);
