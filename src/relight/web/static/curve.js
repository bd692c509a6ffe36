// A day's curve: average powers of five minutes, in the site's time, on days of 23 and 25 hours too.

import { faded, flag, fromZero, hatch, measure } from "./charts.js";

/** What `Plot` needs to draw the curve `data` of a site in `zone`; `isShown(name)` tells which lines. */
export function curve(data, zone, isShown) {
  const step = data.step_s, count = data.series[0].values.length;
  const ends = Array.from({ length: count }, (_, index) => data.first_end_at + index * step);
  const shown = data.series.filter((one) => isShown(one.name));
  const locale = document.documentElement.dataset.locale;
  const hasShift = data.shifts.length > 0;
  const clock = new Intl.DateTimeFormat(locale, { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(hasShift ? { timeZoneName: "short" } : {}) });
  const plain = new Intl.DateTimeFormat(locale, { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const time = (at, format = plain) => format.format(new Date(at * 1000));

  return {
    unit: "W", hasLine: true, stride: 12,
    range: [data.start_at, data.end_at],
    yRange: fromZero,
    data: () => [ends, ...shown.map((one) => one.values)],
    series: (colours) => shown.map((one) => ({
      stroke: colours[one.name], width: one.name === "production" ? 1.5 : 2,
      fill: one.name === "production" ? (u) => glow(u, colours.production) : undefined,
      paths: (u, index) => course(u, index, one.step_s),
      points: { show: false },
    })),
    xAxis: (width) => hours(data, width),
    dataIdx: (u, seriesIndex, nearest, x) => Math.min(count - 1, Math.max(0, Math.ceil((x - data.first_end_at) / step))),
    middle: (index) => ends[index] - step / 2,
    below: (u, colours) => gaps(u, data.series[0].values, ends, step, colours),
    above: (u, colours) => data.shifts.forEach(([at, text]) => flag(u, at, text, colours)),
    name: (index) => `${time(Math.max(data.start_at, ends[index] - step))}–${time(ends[index], clock)}`,
    lines: (index) => shown.map((one) => line(one, one.values[index])),
    rows: () => ends.map((at, index) => ({ name: time(at, clock), values: data.series.map((one) => one.values[index]) })),
    heads: ["Until", ...data.series.map((one) => `${one.label} [W]`)],
  };
}

function line(series, value) {
  if (series.name === "net" && value !== null && value < 0) return { name: "meter", label: "Into the grid", text: measure(-value, "W") };
  return { name: series.name, label: series.label, text: measure(value, "W") };
}

function glow(u, colour) {
  const made = u.ctx.createLinearGradient(0, u.bbox.top, 0, u.bbox.top + u.bbox.height);
  made.addColorStop(0, faded(colour, 0.5));
  made.addColorStop(1, faded(colour, 0.1));
  return made;
}

/**
 * The line runs through the middle of each of the series' own slots, and level to the edges of what
 * is known; a slot without a value breaks it.
 */
function course(u, index, step) {
  const xs = u.data[0], ys = u.data[index], stroke = new Path2D(), fill = new Path2D();
  const ground = u.valToPos(0, "y", true), x = (at) => u.valToPos(at, "x", true);
  let end = null, height = 0;
  const close = () => {
    if (end === null) return;
    for (const path of [stroke, fill]) path.lineTo(x(end), height);
    fill.lineTo(x(end), ground);
    end = null;
  };
  for (let at = 0; at < xs.length; at++) {
    const slotEnd = Math.ceil(xs[at] / step) * step;
    if (ys[at] === null) close();
    if (ys[at] === null || slotEnd === end) continue;
    const start = slotEnd - step;
    height = u.valToPos(ys[at], "y", true);
    if (end === null) {
      fill.moveTo(x(start), ground);
      fill.lineTo(x(start), height);
      stroke.moveTo(x(start), height);
    }
    for (const path of [stroke, fill]) path.lineTo(x(start + step / 2), height);
    end = slotEnd;
  }
  close();
  return { stroke, fill, clip: null, flags: 3 };
}

/** Full hours of the site's clocks, as many as there is room for; where clocks change, both sides. */
function hours(data, width) {
  const room = (at) => ((at - data.start_at) / (data.end_at - data.start_at)) * (width - 70);
  const every = [1, 2, 3, 4, 6].find((one) => (width - 70) / (25 / one) >= 52) ?? 6;
  const at = new Set();
  const put = (mark) => {
    if ([...at].every((other) => Math.abs(room(other[0]) - room(mark[0])) >= 38)) at.add(mark);
  };
  for (const [shift] of data.shifts) {
    const next = data.marks.findIndex(([mark]) => mark >= shift);
    if (next > 0) [data.marks[next], data.marks[next - 1]].forEach(put);
  }
  data.marks.filter(([, hour]) => hour % every === 0).forEach(put);
  const marks = [...at].sort((one, other) => one[0] - other[0]);
  return {
    splits: () => [...marks.map(([mark]) => mark), data.end_at],
    values: () => [...marks.map(([, hour]) => `${String(hour).padStart(2, "0")}:00`), width < 560 ? "" : "24:00"],
  };
}

/** Hatch what is missing between the first and the last value. */
function gaps(u, values, ends, step, colours) {
  const first = values.findIndex((one) => one !== null), last = values.findLastIndex((one) => one !== null);
  const { ctx, bbox } = u;
  ctx.save();
  ctx.fillStyle = hatch(ctx, colours.line);
  for (let from = first; from >= 0 && from <= last; from++) {
    if (values[from] !== null) continue;
    let to = from;
    while (values[to + 1] === null) to++;
    const left = u.valToPos(ends[from] - step, "x", true), right = u.valToPos(ends[to], "x", true);
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
    from = to;
  }
  ctx.restore();
}
