// A year as a picture: a day a column (a row where the screen is narrow), a quarter of an hour a cell.

import { element, hatch, measure, number, save, tokens } from "./charts.js";

const CELLS = 96, SKIPPED = 255;
const NARROW = 560;
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const find = (id) => document.getElementById(id);
const year = JSON.parse(find("shown").textContent);
const cells = Uint8Array.from(atob(year.cells), (one) => one.charCodeAt(0));
const starts = MONTHS.map((_, month) => (Date.UTC(year.year, month) - Date.UTC(year.year, 0)) / 86_400_000);
const holder = find("heat");
const canvas = element("canvas");
const box = element("div", { className: "plot", tabindex: "0", role: "application", "aria-roledescription": "heat map", "aria-label": `Power of every quarter of an hour of ${year.year}. Arrow keys go through days and times, Enter opens the day.` });
const tip = element("div", { className: "tip", hidden: "", "aria-hidden": "true" });
const spot = element("div", { className: "spot", hidden: "" });
let at = null;
let shape = null;

box.append(canvas, spot, tip);
holder.append(box);

/** Where the picture lies, and how days and times run in it. */
function measureUp() {
  const width = holder.clientWidth, isNarrow = width < NARROW;
  const left = isNarrow ? 34 : 46, top = isNarrow ? 22 : 8, bottom = isNarrow ? 4 : 24;
  const height = isNarrow ? year.days * 2 + top + bottom : 96 * 4 + top + bottom;
  return { width, height, isNarrow, left, top, inner: { width: width - left - 2, height: height - top - bottom } };
}

/** The colours of powers from nothing to the most, 256 of them. */
function ramp(colours) {
  const ctx = Object.assign(document.createElement("canvas"), { width: 256, height: 1 }).getContext("2d", { willReadFrequently: true });
  const run = ctx.createLinearGradient(0, 0, 256, 0);
  run.addColorStop(0, colours.raised);
  run.addColorStop(0.7, colours.production);
  run.addColorStop(1, getComputedStyle(document.documentElement).getPropertyValue("--warn").trim());
  ctx.fillStyle = run;
  ctx.fillRect(0, 0, 256, 1);
  return ctx.getImageData(0, 0, 256, 1).data;
}

/** The cells as an image: clear where nothing is known between the day's first and last value. */
function image(colours, isNarrow) {
  const made = document.createElement("canvas");
  [made.width, made.height] = isNarrow ? [CELLS, year.days] : [year.days, CELLS];
  const ground = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  ground.fillStyle = colours.card;
  ground.fillRect(0, 0, 1, 1);
  const none = ground.getImageData(0, 0, 1, 1).data;
  const ctx = made.getContext("2d"), pixels = ctx.createImageData(made.width, made.height), run = ramp(colours);
  for (let day = 0; day < year.days; day++) {
    const own = cells.subarray(day * CELLS, (day + 1) * CELLS);
    const first = own.findIndex(isKnown), last = own.findLastIndex(isKnown);
    for (let cell = 0; cell < CELLS; cell++) {
      const isNight = first >= 0 && (cell < first || cell > last);
      const to = 4 * (isNarrow ? day * CELLS + cell : cell * year.days + day);
      // What is still to come today is as empty as the days after it.
      const isAhead = day === year.last_shown && day < year.days - 1 && last >= 0 && cell > last;
      if (own[cell] === SKIPPED || isAhead) pixels.data.set(none, to);
      if (isAhead) continue;
      if (!isKnown(own[cell]) && (!isNight || own[cell] === SKIPPED)) continue;
      const from = 4 * (isKnown(own[cell]) ? own[cell] : 0);
      pixels.data.set(run.subarray(from, from + 3), to);
      pixels.data[to + 3] = isNight && !isKnown(own[cell]) ? 110 : 255;
    }
  }
  ctx.putImageData(pixels, 0, 0);
  return made;
}

function isKnown(level) {
  return level !== 0 && level !== SKIPPED;
}

function draw() {
  shape = measureUp();
  const { width, height, left, top, inner, isNarrow } = shape, ratio = devicePixelRatio, colours = tokens();
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.height = `${height}px`;
  const ctx = canvas.getContext("2d");
  ctx.scale(ratio, ratio);
  hatched(ctx, colours);
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(image(colours, isNarrow), left, top, inner.width, inner.height);
  ctx.font = `12px ${FONT}`;
  ctx.fillStyle = colours.ink3;
  ctx.strokeStyle = colours.card;
  const day = (isNarrow ? inner.height : inner.width) / year.days;
  starts.forEach((start, month) => {
    ctx.globalAlpha = 0.6;
    if (month) rule(ctx, start * day);
    ctx.globalAlpha = 1;
    ctx.textAlign = isNarrow ? "right" : "left";
    ctx.textBaseline = "top";
    if (isNarrow) ctx.fillText(MONTHS[month], left - 6, top + start * day + 2);
    else ctx.fillText(MONTHS[month], left + start * day + 2, top + inner.height + 7);
  });
  for (const hour of [0, 6, 12, 18, 24]) {
    const text = `${String(hour).padStart(2, "0")}:00`;
    if (isNarrow) {
      ctx.textAlign = hour === 24 ? "right" : hour ? "center" : "left";
      ctx.fillText(text, left + (hour / 24) * inner.width, 4);
    } else {
      ctx.textAlign = "right";
      ctx.textBaseline = hour === 24 ? "bottom" : hour ? "middle" : "top";
      ctx.fillText(text, left - 6, top + (hour / 24) * inner.height);
    }
  }
  scale(colours);
  if (at) show(at);
}

function rule(ctx, along) {
  const { left, top, inner, isNarrow } = shape;
  ctx.beginPath();
  ctx.moveTo(isNarrow ? left : left + along, isNarrow ? top + along : top);
  ctx.lineTo(isNarrow ? left + inner.width : left + along, isNarrow ? top + along : top + inner.height);
  ctx.stroke();
}

/** Beneath the days that there can be data for: what stays clear shows as missing. */
function hatched(ctx, colours) {
  const { left, top, inner, isNarrow } = shape, day = (isNarrow ? inner.height : inner.width) / year.days;
  const from = Math.round(year.first_shown * day), size = Math.floor((year.last_shown + 1) * day) - from;
  ctx.fillStyle = hatch(ctx, colours.lineStrong);
  ctx.globalAlpha = 0.55;
  ctx.fillRect(isNarrow ? left : left + from, isNarrow ? top + from : top, isNarrow ? inner.width : size, isNarrow ? size : inner.height);
  ctx.globalAlpha = 1;
}

function scale(colours) {
  const bar = find("scale"), ctx = bar.getContext("2d"), run = ramp(colours);
  for (let x = 0; x < bar.width; x++) {
    const from = 4 * Math.round((x / bar.width) * 254);
    ctx.fillStyle = `rgb(${run[from]} ${run[from + 1]} ${run[from + 2]})`;
    ctx.fillRect(x, 0, 1, bar.height);
  }
}

function clock(cell) {
  const minute = cell * 15;
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}

function date(day) {
  return new Date(Date.UTC(year.year, 0, 1 + day));
}

const dates = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", weekday: "short", day: "numeric", month: "short" });

function text({ day, cell }) {
  const level = cells[day * CELLS + cell];
  if (level === SKIPPED) return "clocks skip this";
  if (day < year.first_shown || day > year.last_shown) return "–";
  return level ? `about ${measure(Math.round((level - 1) * year.step_w), "W")}` : "nothing reported";
}

function show(place) {
  at = place;
  tip.hidden = spot.hidden = !place;
  if (!place) return;
  const { left, top, inner, isNarrow, width } = shape;
  const [along, across] = isNarrow ? [inner.height, inner.width] : [inner.width, inner.height];
  const day = (place.day / year.days) * along, cell = (place.cell / CELLS) * across;
  const x = left + (isNarrow ? cell : day), y = top + (isNarrow ? day : cell);
  tip.replaceChildren(
    element("p", { className: "tip-name", text: `${dates.format(date(place.day))}, ${clock(place.cell)}` }),
    element("p", { className: "tip-line mark-production" }, element("span", { text: "Power" }), element("span", { text: text(place) })),
  );
  const tipLeft = x + 14 + tip.offsetWidth <= width ? x + 14 : Math.max(0, x - 14 - tip.offsetWidth);
  tip.style.transform = `translate(${Math.round(tipLeft)}px, ${Math.round(Math.max(0, y - tip.offsetHeight - 10))}px)`;
  spot.style.transform = `translate(${x}px, ${y}px)`;
}

function placeOf(event) {
  const { left, top, inner, isNarrow } = shape, edge = canvas.getBoundingClientRect();
  const x = (event.clientX - edge.left - left) / inner.width, y = (event.clientY - edge.top - top) / inner.height;
  if (x < 0 || y < 0 || x >= 1 || y >= 1) return null;
  const [day, cell] = isNarrow ? [y, x] : [x, y];
  return { day: Math.floor(day * year.days), cell: Math.floor(cell * CELLS) };
}

function open({ day }) {
  if (day >= year.first_shown && day <= year.last_shown) location.assign(year.href + date(day).toISOString().slice(0, 10));
}

canvas.addEventListener("pointermove", (event) => show(placeOf(event)));
canvas.addEventListener("pointerleave", () => show(null));
canvas.addEventListener("click", (event) => {
  const place = placeOf(event);
  if (place) open(place);
});
box.addEventListener("blur", () => show(null));
box.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const from = at ?? { day: year.last_shown, cell: 48 };
  const [days, quarters] = shape.isNarrow
    ? [{ ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0, { ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0]
    : [{ ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0, { ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0];
  const far = { PageDown: 30, PageUp: -30, Home: -400, End: 400 }[event.key] ?? 0;
  if (event.key === "Enter" && at) open(at);
  else if (event.key === "Escape") show(null);
  else if (days || quarters || far) {
    const inside = (value, last) => Math.min(last, Math.max(0, value));
    show({ day: inside(from.day + days * (event.shiftKey ? 7 : 1) + far, year.days - 1), cell: inside(from.cell + quarters * (event.shiftKey ? 4 : 1), CELLS - 1) });
    find("told").textContent = `${dates.format(date(at.day))}, ${clock(at.cell)}: ${text(at)}`;
  } else return;
  event.preventDefault();
});

/** Months by hours, for who cannot see the map: average powers of what is known. */
function monthsTable() {
  const heads = ["Month", ...Array.from({ length: 24 }, (_, hour) => `${String(hour).padStart(2, "0")}:00`)];
  const rows = starts.map((start, month) => {
    const end = starts[month + 1] ?? year.days;
    return [MONTHS[month], ...heads.slice(1).map((_, hour) => average(start, end, hour))];
  });
  const head = element("tr", {}, ...heads.map((one, index) => element("th", { scope: "col", text: one, className: index ? "num" : "" })));
  const body = rows.map(([name, ...values]) => element("tr", {}, element("th", { scope: "row", text: name }), ...values.map((value) => element("td", { className: "num", text: value === null ? "–" : number(value) }))));
  const made = element("table", { className: "table" }, element("caption", { text: `Average power by month and hour of ${year.year} [W]` }), element("thead", {}, head), element("tbody", {}, ...body));
  return element("div", { className: "table-wrap", tabindex: "0", role: "region", "aria-label": "The map as a table" }, made);
}

function average(start, end, hour) {
  let sum = 0, count = 0;
  for (let day = start; day < end; day++) {
    for (let cell = hour * 4; cell < hour * 4 + 4; cell++) {
      const level = cells[day * CELLS + cell];
      if (!isKnown(level)) continue;
      sum += (level - 1) * year.step_w;
      count++;
    }
  }
  return count ? Math.round(sum / count) : null;
}

find("as-table").hidden = find("png").hidden = false;
find("as-table").addEventListener("click", () => {
  holder.hidden = !holder.hidden;
  find("as-table").textContent = holder.hidden ? "Show as map" : "Show as table";
  find("table").replaceChildren(...(holder.hidden ? [monthsTable()] : []));
});
find("png").addEventListener("click", () => {
  show(null);
  const ratio = devicePixelRatio, edge = 16 * ratio, head = 44 * ratio, colours = tokens();
  const picture = element("canvas");
  picture.width = canvas.width + 2 * edge;
  picture.height = canvas.height + head + edge;
  const ctx = picture.getContext("2d");
  ctx.fillStyle = colours.card;
  ctx.fillRect(0, 0, picture.width, picture.height);
  ctx.fillStyle = colours.ink;
  ctx.font = `600 ${16 * ratio}px ${FONT}`;
  ctx.fillText(`${document.querySelector("h1").textContent} – ${year.year}`, edge, 28 * ratio);
  ctx.drawImage(canvas, edge, head);
  picture.toBlob((blob) => save(blob, `relight-${year.year}.png`), "image/png");
});
document.addEventListener("relight:theme", draw);
new ResizeObserver(() => {
  if (holder.clientWidth && holder.clientWidth !== shape?.width) draw();
}).observe(holder);
