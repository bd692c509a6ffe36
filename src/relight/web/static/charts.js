// What all charts share: colours of the page, numbers of the reader, the plot with its cursor,
// its tooltip, its keys and its picture. Data goes into the page as text alone.

import uPlot from "./vendor/uplot/uplot.js";

const root = document.documentElement;
const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';
const SIZES = [[1e9, "G"], [1e6, "M"], [1e3, "k"]];
const numbers = new Map();

/** The page's colours as they are now, light or dark. */
export function tokens() {
  const style = getComputedStyle(root);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: read("ink"), ink2: read("ink-2"), ink3: read("ink-3"), line: read("line"), lineStrong: read("line-strong"),
    card: read("card"), raised: read("raised"), accent: read("accent"),
    production: read("sun"), consumption: read("use"), net: read("grid-import"), export: read("export"),
    micro: read("ink-2"), meter: read("export"),
  };
}

/** A colour (hex) with a transparency from 0 to 1. */
export function faded(colour, alpha) {
  const hex = colour.length === 4 ? [...colour.slice(1)].map((one) => one + one).join("") : colour.slice(1);
  const part = (at) => parseInt(hex.slice(at, at + 2), 16);
  return `rgba(${part(0)}, ${part(2)}, ${part(4)}, ${alpha})`;
}

/** A number in the reader's format. */
export function number(value, digits = 0) {
  let format = numbers.get(digits);
  if (!format) {
    format = new Intl.NumberFormat(root.dataset.locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
    numbers.set(digits, format);
  }
  return format.format(value);
}

/** A value of `unit` (W or Wh) in a readable size; a dash where nothing is known. */
export function measure(value, unit) {
  if (value === null || value === undefined) return "–";
  for (const [size, prefix] of SIZES) {
    if (Math.abs(value) >= (size > 1000 ? size * 10 : size)) {
      const scaled = value / size, most = Math.abs(scaled);
      return `${number(scaled, most < 10 ? 2 : most < 1000 ? 1 : 0)}\u00a0${prefix}${unit}`;
    }
  }
  return `${number(value)}\u00a0${unit}`;
}

/** Labels of an axis: all in the unit of the largest, no digits more than they need. */
export function axisLabels(values, unit) {
  const most = Math.max(...values.map(Math.abs));
  const [size, prefix] = SIZES.find(([one]) => most >= (one > 1000 ? one * 10 : one)) ?? [1, ""];
  const digits = values.every((one) => Number.isInteger(one / size)) ? 0 : values.every((one) => Number.isInteger((10 * one) / size)) ? 1 : 2;
  return values.map((one) => (one === 0 ? "0" : `${number(one / size, digits)} ${prefix}${unit}`));
}

/** An element with classes, text and children. */
export function element(name, { className = "", text = null, ...attributes } = {}, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== null) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** A pattern that says: nothing is known here. */
export function hatch(ctx, colour) {
  const tile = document.createElement("canvas");
  const size = Math.round(8 * devicePixelRatio);
  tile.width = tile.height = size;
  const on = tile.getContext("2d");
  on.strokeStyle = colour;
  on.lineWidth = devicePixelRatio;
  on.beginPath();
  for (const shift of [-size, 0, size]) {
    on.moveTo(shift, size);
    on.lineTo(shift + size, 0);
  }
  on.stroke();
  return ctx.createPattern(tile, "repeat");
}

/** A dashed line across the plot at the value `x`, with words beside it. */
export function flag(u, x, text, colours) {
  const { ctx, bbox } = u, at = Math.round(u.valToPos(x, "x", true)), ratio = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = colours.ink3;
  ctx.lineWidth = ratio;
  ctx.setLineDash([4 * ratio, 3 * ratio]);
  ctx.beginPath();
  ctx.moveTo(at, bbox.top);
  ctx.lineTo(at, bbox.top + bbox.height);
  ctx.stroke();
  ctx.font = FONT.replace("12px", `${12 * ratio}px`);
  const width = ctx.measureText(text).width, gap = 6 * ratio;
  const isLeft = at + gap + width > bbox.left + bbox.width && at - gap - width > bbox.left;
  ctx.textAlign = isLeft ? "right" : "left";
  ctx.textBaseline = "top";
  const from = isLeft ? at - gap : Math.min(at + gap, bbox.left + bbox.width - width);
  // The words stand before whatever bars or lines reach so high.
  ctx.fillStyle = faded(colours.card, 0.85);
  ctx.fillRect(isLeft ? from - width - gap / 2 : from - gap / 2, bbox.top, width + gap, 16 * ratio);
  ctx.fillStyle = colours.ink2;
  ctx.fillText(text, from, bbox.top + 2 * ratio);
  ctx.restore();
}

/**
 * A chart in `frame`. `kind` describes it:
 *   data() -> columns for uPlot; series(colours) -> its series; scales, xAxis(colours, width), unit
 *   below(u, colours), above(u, colours) -> what is drawn beneath and over the series
 *   name(index), note(index) -> texts; lines(index) -> [{name, label, text}]; pick(index) where a click leads
 */
export class Plot {
  constructor(frame, kind, { label, announce }) {
    this.frame = frame;
    this.kind = kind;
    this.announce = announce;
    this.index = null;
    this.holder = element("div", {
      className: `plot${kind.pick ? " is-clickable" : ""}`, tabindex: "0", role: "application",
      "aria-roledescription": "chart", "aria-label": `${label} Arrow keys go through the values.`,
    });
    this.tip = element("div", { className: "tip", hidden: "", "aria-hidden": "true" });
    frame.replaceChildren(this.holder);
    this.draw();
    this.holder.addEventListener("keydown", (event) => this.onKey(event));
    this.holder.addEventListener("blur", () => this.clear());
    this.redraw = () => this.draw();
    document.addEventListener("relight:theme", this.redraw);
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(frame);
  }

  size() {
    const width = Math.max(260, this.frame.clientWidth);
    return { width, height: width < 560 ? 250 : width < 900 ? 320 : 380 };
  }

  draw() {
    this.u?.destroy();
    const colours = tokens(), size = this.size(), kind = this.kind;
    this.width = size.width;
    this.u = new uPlot({
      ...size,
      padding: [14, 20, 0, 0],
      legend: { show: false },
      scales: { x: { time: false, range: () => kind.range }, y: { range: (u, low, high) => kind.yRange(low, high) } },
      series: [{}, ...kind.series(colours)],
      axes: [
        { stroke: colours.ink3, font: FONT, size: 30, gap: 6, grid: { show: false }, ticks: { stroke: colours.line, size: 5, width: 1 }, ...kind.xAxis(size.width) },
        {
          stroke: colours.ink3, font: FONT, size: (u, values) => axisSize(u, values), gap: 6, space: 44,
          grid: { stroke: colours.line, width: 1 }, ticks: { show: false },
          values: (u, splits) => axisLabels(splits, kind.unit),
        },
      ],
      cursor: { x: kind.hasLine, y: false, drag: { x: false, y: false, setScale: false }, dataIdx: kind.dataIdx, points: { show: kind.hasLine, size: 7, fill: colours.card, width: 2 } },
      hooks: {
        drawClear: [(u) => kind.below?.(u, colours)],
        draw: [(u) => kind.above?.(u, colours)],
        setCursor: [(u) => this.show(u.cursor.left < 0 ? null : u.cursor.idx)],
      },
    }, kind.data(), this.holder);
    this.holder.append(this.tip);
    this.u.over.addEventListener("click", () => {
      if (this.index !== null) kind.pick?.(this.index);
    });
  }

  resize() {
    if (this.size().width === this.width) return;
    const index = this.index;
    // Anew: how many labels the axes have room for depends on the width.
    this.draw();
    if (index !== null) this.show(index);
  }

  /** Show what is known at `index`; nothing for null. */
  show(index) {
    this.index = index ?? null;
    const lines = this.index === null ? [] : this.kind.lines(this.index);
    this.kind.mark?.(this.u, this.index);
    if (!lines.length) {
      this.tip.hidden = true;
      return;
    }
    const note = this.kind.note?.(this.index);
    this.tip.replaceChildren(
      element("p", { className: "tip-name", text: this.kind.name(this.index) }),
      ...lines.map((one) => element("p", { className: `tip-line mark-${one.name}` }, element("span", { text: one.label }), element("span", { text: one.text }))),
      ...(note ? [element("p", { className: "tip-note", text: note })] : []),
    );
    this.tip.hidden = false;
    const over = this.u.over, x = over.offsetLeft + this.u.valToPos(this.u.data[0][this.index], "x");
    const width = this.tip.offsetWidth, room = this.holder.clientWidth;
    const left = x + 14 + width <= room ? x + 14 : Math.max(0, x - 14 - width);
    this.tip.style.transform = `translate(${Math.round(left)}px, ${over.offsetTop + 8}px)`;
  }

  onKey(event) {
    const last = this.u.data[0].length - 1, far = this.kind.stride ?? 1;
    const from = this.index ?? (event.key === "ArrowLeft" ? last + 1 : -1);
    const to = {
      ArrowRight: from + (event.shiftKey ? far : 1), ArrowLeft: from - (event.shiftKey ? far : 1),
      PageDown: from + far, PageUp: from - far, Home: 0, End: last,
    }[event.key];
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Escape") this.clear();
    else if (event.key === "Enter" && this.index !== null) this.kind.pick?.(this.index);
    else if (to !== undefined) this.go(Math.min(last, Math.max(0, to)));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  go(index) {
    const x = this.kind.middle ? this.kind.middle(index) : this.u.data[0][index];
    this.u.setCursor({ left: this.u.valToPos(x, "x"), top: 0 }, false);
    this.show(index);
    const said = this.kind.lines(index).map((one) => `${one.label} ${one.text}`).join(", ");
    this.announce([this.kind.name(index), said, this.kind.note?.(index)].filter(Boolean).join(": "));
  }

  clear() {
    this.u.setCursor({ left: -10, top: -10 }, false);
    this.show(null);
  }

  destroy() {
    document.removeEventListener("relight:theme", this.redraw);
    this.observer.disconnect();
    this.u.destroy();
  }

  /** The chart on the page's ground, with a title and its legend, as a PNG. */
  picture(title, legend) {
    this.clear();
    const source = this.u.ctx.canvas, colours = tokens(), ratio = devicePixelRatio;
    const head = 58 * ratio, edge = 16 * ratio;
    const canvas = element("canvas");
    canvas.width = source.width + 2 * edge;
    canvas.height = source.height + head + edge;
    const ctx = canvas.getContext("2d");
    ctx.fillStyle = colours.card;
    ctx.fillRect(0, 0, canvas.width, canvas.height);
    ctx.textBaseline = "middle";
    ctx.fillStyle = colours.ink;
    ctx.font = FONT.replace("12px", `600 ${16 * ratio}px`);
    ctx.fillText(title, edge, 20 * ratio, canvas.width - 2 * edge);
    ctx.font = FONT.replace("12px", `${12 * ratio}px`);
    let left = edge;
    for (const one of legend) {
      ctx.fillStyle = colours[one.name] ?? colours.ink3;
      ctx.fillRect(left, 38 * ratio, 10 * ratio, 10 * ratio);
      ctx.fillStyle = colours.ink2;
      ctx.fillText(one.label, left + 16 * ratio, 43 * ratio);
      left += ctx.measureText(one.label).width + 34 * ratio;
    }
    ctx.drawImage(source, edge, head);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }
}

/** Room for the widest label of an axis. */
function axisSize(u, values) {
  if (!values) return 50;
  u.ctx.save();
  u.ctx.font = FONT;
  const widest = Math.max(...values.map((one) => u.ctx.measureText(one).width));
  u.ctx.restore();
  return Math.ceil(widest) + 14;
}

/** The bounds of a scale of powers or energies: 0 is always in it. */
export function fromZero(low, high) {
  const top = Math.max(0, high ?? 0), bottom = Math.min(0, low ?? 0);
  return [bottom * 1.08, top > 0 ? top * 1.08 : bottom < 0 ? 0 : 100];
}

/** Hand the reader a file. */
export function save(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** A table in a region that scrolls by itself. */
export function table(caption, heads, rows) {
  const head = element("tr", {}, ...heads.map((text, index) => element("th", { scope: "col", text, className: index ? "num" : "" })));
  const body = element("tbody", {}, ...rows.map((row) => element("tr", {}, rowHead(row), ...row.values.map((value) => element("td", { className: "num", text: value === null ? "–" : number(value) })))));
  const made = element("table", { className: "table" }, element("caption", { text: caption }), element("thead", {}, head), body);
  return element("div", { className: "table-wrap", tabindex: "0", role: "region", "aria-label": "The chart as a table" }, made);
}

function rowHead(row) {
  const head = element("th", { scope: "row" });
  head.append(row.href ? element("a", { href: row.href, text: row.name }) : row.name);
  if (row.note) head.append(" ", element("span", { className: "muted", text: row.note }));
  return head;
}
