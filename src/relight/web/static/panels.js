// Inverters beside one another: their powers over a day, the grid by arrow keys, a table that sorts.

import { Plot, element, faded, fromZero, measure } from "./charts.js";

const grid = document.getElementById("grid");
const chart = document.getElementById("chart");
const drawn = document.getElementById("drawn") && JSON.parse(document.getElementById("drawn").textContent);
const locale = document.documentElement.dataset.locale;

/** Full hours of the site's clocks within the lines, as many as there is room for. */
function hours(from, until, width) {
  const format = new Intl.DateTimeFormat("en-GB", { timeZone: drawn.zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const text = (at) => format.format(new Date(at * 1000));
  const quarters = Array.from({ length: Math.floor((until - from) / 900) + 1 }, (_, index) => Math.ceil(from / 900) * 900 + index * 900);
  const full = quarters.filter((at) => at <= until && text(at).endsWith(":00"));
  const every = [1, 2, 3, 4, 6].find((one) => (width - 60) / (full.length / one) >= 56) ?? 6;
  const marks = full.filter((at) => parseInt(text(at), 10) % every === 0);
  return { splits: () => marks, values: () => marks.map(text) };
}

/** What `Plot` needs: thin lines and a band beneath, the middle and the selected one above. */
function lines(state) {
  const step = drawn.step_s, count = drawn.low_w.length;
  const ends = Array.from({ length: count }, (_, index) => drawn.first_end_at + index * step);
  // A value is the average of its slot: it stands in the slot's middle.
  const xs = ends.map((at) => at - step / 2);
  const plain = new Intl.DateTimeFormat(locale, { timeZone: drawn.zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const time = (at) => plain.format(new Date(at * 1000));
  const nothing = xs.map(() => null);
  const most = Math.max(0, ...drawn.powers_w.flat(), ...drawn.high_w);
  return {
    unit: "W", hasLine: true, stride: 12,
    range: [ends[0] - step, ends[count - 1]],
    yRange: () => fromZero(0, most),
    data: () => [xs, drawn.middle_w, state.selected === null ? nothing : drawn.powers_w[state.selected]],
    series: (colours) => [
      { stroke: colours.ink2, width: 1.5, dash: [5, 4], points: { show: false } },
      { stroke: colours.accent, width: 2.5, points: { show: false } },
    ],
    xAxis: (width) => hours(ends[0] - step, ends[count - 1], width),
    below: (u, colours) => {
      band(u, xs, faded(colours.production, 0.28));
      if (drawn.ids.length > 1) thin(u, xs, faded(colours.production, drawn.ids.length > 60 ? 0.3 : 0.6));
    },
    name: (index) => `${time(ends[index] - step)}–${time(ends[index])}`,
    lines: (index) => [
      ...(state.selected === null ? [] : [{ name: "own", label: state.name(), text: measure(drawn.powers_w[state.selected][index], "W") }]),
      { name: "micro", label: "Middle", text: measure(drawn.middle_w[index], "W") },
      { name: "production", label: "Middle half", text: drawn.low_w[index] === null ? "–" : `${Math.round(drawn.low_w[index])}–${measure(drawn.high_w[index], "W")}` },
    ],
    pick: state.pick && ((index) => state.pick(index)),
  };
}

/** The middle half, slot by slot, as one shape; what is not known breaks it. */
function band(u, xs, colour) {
  const { ctx } = u, at = (x, y) => [u.valToPos(x, "x", true), u.valToPos(y, "y", true)];
  ctx.save();
  ctx.fillStyle = colour;
  for (let from = 0; from < xs.length; from++) {
    if (drawn.low_w[from] === null) continue;
    let to = from;
    while (to + 1 < xs.length && drawn.low_w[to + 1] !== null) to++;
    ctx.beginPath();
    for (let index = from; index <= to; index++) ctx.lineTo(...at(xs[index], drawn.high_w[index]));
    for (let index = to; index >= from; index--) ctx.lineTo(...at(xs[index], drawn.low_w[index]));
    ctx.fill();
    from = to;
  }
  ctx.restore();
}

function thin(u, xs, colour) {
  const { ctx } = u, left = xs.map((x) => u.valToPos(x, "x", true));
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = Math.max(1, devicePixelRatio * 0.75);
  for (const powers of drawn.powers_w) {
    ctx.beginPath();
    let isOn = false;
    powers.forEach((power, index) => {
      if (power === null) isOn = false;
      else {
        const top = u.valToPos(power, "y", true);
        if (isOn) ctx.lineTo(left[index], top);
        else ctx.moveTo(left[index], top);
        isOn = true;
      }
    });
    ctx.stroke();
  }
  ctx.restore();
}

let plot = null;
const state = { selected: null, kept: null, name: () => drawn.names[state.selected] };
const cells = grid ? [...grid.querySelectorAll("a.panel")] : [];
const rows = [...document.querySelectorAll("#table tbody tr")];

/** Bring one inverter to the front, by its place among the lines; null takes it back. */
function select(index, { keep = false } = {}) {
  if (keep) state.kept = index;
  if (state.selected === index) return;
  state.selected = index;
  const id = index === null ? null : String(drawn.ids[index]);
  for (const one of [...cells, ...rows]) one.classList.toggle("is-selected", one.dataset.id === id);
  const cell = cells.find((one) => one.dataset.id === id);
  const name = document.getElementById("selected-name");
  if (name) {
    name.textContent = index === null ? "none" : drawn.names[index];
    document.getElementById("selected-told").textContent = cell ? [".panel-number", ".panel-note", ".panel-sign"].map((part) => cell.querySelector(part).textContent.trim()).join(" · ") : "";
  }
  plot?.u.setData(plot.kind.data(), false);
  plot?.u.redraw(false);
  if (plot && plot.index !== null) plot.show(plot.index);
}

function indexOf(one) {
  const index = drawn ? drawn.ids.indexOf(Number(one?.dataset.id)) : -1;
  return index < 0 ? null : index;
}

if (drawn && chart) {
  chart.hidden = false;
  const told = element("p", { className: "visually-hidden", "aria-live": "polite" });
  chart.append(told);
  if (drawn.ids.length === 1) state.selected = state.kept = 0;
  else {
    state.pick = (index) => {
      const power = plot.u.posToVal(plot.u.cursor.top, "y");
      let nearest = null, least = Infinity;
      drawn.powers_w.forEach((powers, one) => {
        const far = powers[index] === null ? Infinity : Math.abs(powers[index] - power);
        if (far < least) [nearest, least] = [one, far];
      });
      if (nearest !== null) select(nearest, { keep: true });
    };
  }
  const holder = document.getElementById("plot");
  const label = holder.getAttribute("aria-label");
  for (const name of ["role", "tabindex", "aria-label"]) holder.removeAttribute(name);
  holder.className = "frame";
  plot = new Plot(holder, lines(state), { label, announce: (text) => (told.textContent = text) });
  for (const one of [...cells, ...rows]) {
    one.addEventListener("pointerenter", () => select(indexOf(one)));
    one.addEventListener("pointerleave", () => select(state.kept));
    one.addEventListener("focusin", () => select(indexOf(one), { keep: true }));
  }
}

// One stop for the Tab key; within the grid the arrow keys lead.
if (cells.length) {
  let stop = cells[0];
  for (const one of cells) one.tabIndex = one === stop ? 0 : -1;
  grid.addEventListener("focusin", (event) => {
    const cell = event.target.closest("a.panel");
    if (!cell || cell === stop) return;
    stop.tabIndex = -1;
    stop = cell;
    stop.tabIndex = 0;
  });
  grid.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const from = cells.indexOf(event.target.closest("a.panel"));
    const columns = cells.findIndex((one) => one.offsetTop !== cells[0].offsetTop);
    const wide = columns < 0 ? cells.length : columns;
    const to = { ArrowRight: from + 1, ArrowLeft: from - 1, ArrowDown: from + wide, ArrowUp: from - wide, Home: 0, End: cells.length - 1 }[event.key];
    if (to === undefined || from < 0) return;
    event.preventDefault();
    cells[to]?.focus();
  });
}

// The table sorts by itself; without this the headings ask the server.
const table = document.getElementById("table");
for (const link of table?.querySelectorAll("th[data-sort] a") ?? []) {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const head = link.closest("th"), column = head.cellIndex;
    const isDown = head.getAttribute("aria-sort") === "ascending";
    for (const one of table.querySelectorAll("th[data-sort]")) one.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", isDown ? "descending" : "ascending");
    const value = (row) => row.cells[column].dataset.value;
    const compare = (one, other) => {
      const [a, b] = [value(one), value(other)];
      if (a === "" || b === "") return (a === "") - (b === "");
      const way = head.dataset.sort === "serial" ? a.localeCompare(b) : Number(a) - Number(b);
      return isDown ? -way : way;
    };
    table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
  });
}

// The arrow keys turn days, unless something has the focus that has a use for them.
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (event.target.closest("input, select, textarea, summary, [tabindex='0'], .tabs, .top-nav")) return;
  const link = document.getElementById({ ArrowLeft: "back", ArrowRight: "on" }[event.key] ?? "");
  if (!link?.href) return;
  event.preventDefault();
  location.assign(link.href);
});
