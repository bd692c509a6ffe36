// Energies of hours, days, months or years as bars, production and consumption side by side.

import { element, faded, flag, fromZero, hatch, measure } from "./charts.js";

const FILLED = 0.74;
/** Where there are few bars they do not become walls. [CSS px] */
const WIDEST = 72;

/** What `Plot` needs to draw the bars `data`; `onPick(href)` follows a bar that leads somewhere. */
export function bars(data, isShown, onPick) {
  const count = data.labels.length;
  const shown = data.series.filter((one) => isShown(one.name));
  const leads = data.hrefs.some(Boolean);

  return {
    unit: "Wh", hasLine: false, stride: 7,
    range: [-0.5, count - 0.5],
    yRange: fromZero,
    data: () => [data.labels.map((_, index) => index), ...shown.map((one) => one.values)],
    series: (colours) => shown.map((one, position) => ({
      stroke: colours[one.name], width: 0, fill: faded(colours[one.name], 0.92),
      paths: (u, index) => columns(u, index, position, shown.length),
      points: { show: false },
    })),
    xAxis: (width) => labels(data.labels, width),
    below: (u, colours) => missing(u, data, colours),
    above: (u, colours) => data.switches.forEach(([at, text]) => flag(u, at - 0.5, text, colours)),
    mark: (u, index) => band(u, index),
    name: (index) => data.names[index],
    note: (index) => data.notes[index],
    lines: (index) => shown.map((one) => ({ name: one.name, label: one.label, text: measure(one.values[index], "Wh") })),
    pick: leads ? (index) => data.hrefs[index] && onPick(data.hrefs[index]) : undefined,
    rows: () => data.names.map((name, index) => ({ name, href: data.hrefs[index], note: data.notes[index], values: data.series.map((one) => one.values[index]) })),
    heads: ["Time", ...data.series.map((one) => `${one.label} [Wh]`)],
  };
}

function columns(u, index, position, together) {
  const xs = u.data[0], ys = u.data[index], fill = new Path2D();
  const filled = filledWidth(u, together), ground = u.valToPos(0, "y", true);
  const width = Math.max(1, filled / together - (together > 1 ? devicePixelRatio : 0));
  for (let at = 0; at < xs.length; at++) {
    if (!ys[at]) continue;
    const left = u.valToPos(xs[at], "x", true) - filled / 2 + (position * filled) / together;
    const top = Math.min(u.valToPos(ys[at], "y", true), ground - devicePixelRatio);
    const round = Math.min(4 * devicePixelRatio, width / 2, ground - top);
    fill.roundRect(left, top, width, ground - top, [round, round, 0, 0]);
  }
  return { stroke: null, fill, clip: null, flags: 3 };
}

/** How much of its part of the axis the bars of one label take. */
function filledWidth(u, together) {
  const unit = u.valToPos(1, "x", true) - u.valToPos(0, "x", true);
  return Math.min(unit * FILLED, together * WIDEST * devicePixelRatio);
}

/** As many labels as there is room for. */
function labels(texts, width) {
  const widest = Math.max(...texts.map((one) => one.length)) * 7 + 10;
  const every = [1, 2, 3, 5, 7, 10].find((one) => ((width - 60) / texts.length) * one >= widest) ?? 10;
  const at = texts.map((_, index) => index).filter((index) => index % every === 0);
  return { splits: () => at, values: () => at.map((index) => texts[index]), ticks: { show: false } };
}

/** Hatch the parts of which nothing is known, though there could be. */
function missing(u, data, colours) {
  const { ctx, bbox } = u, half = (u.valToPos(1, "x", true) - u.valToPos(0, "x", true)) * (FILLED / 2);
  ctx.save();
  ctx.fillStyle = hatch(ctx, colours.line);
  data.hrefs.forEach((href, index) => {
    if (!href || data.series[0].values[index] !== null || data.notes[index] === "so far") return;
    ctx.fillRect(u.valToPos(index, "x", true) - half, bbox.top, 2 * half, bbox.height);
  });
  ctx.restore();
}

/** Show which bar is meant. */
function band(u, index) {
  let made = u.over.querySelector(".band");
  if (!made) u.over.append((made = element("div", { className: "band" })));
  made.hidden = index === null;
  if (index === null) return;
  const left = u.valToPos(index - 0.5, "x"), right = u.valToPos(index + 0.5, "x");
  made.style.left = `${left}px`;
  made.style.width = `${right - left}px`;
}
