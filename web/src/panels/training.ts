/** What training did: the loss over the epochs, and how weights and gradients were distributed on the way. */

import { h, runs, s, spans } from "../dom.ts";
import { duration, written } from "../number.ts";
import { type Numeral, type Training, type Value, toNumber } from "../picture.ts";

const WIDTH = 320;
const HEIGHT = 150;
const INSET = { left: 46, right: 10, top: 10, bottom: 24 };

export function trainingPanel(training: Training): HTMLElement {
  const parts: Element[] = [];
  const { epochs: numbers, loss, metric, seconds, parameters } = training;
  const epochs = `${loss.length} ${loss.length === 1 ? "epoch" : "epochs"}`;
  const time = seconds === undefined ? "" : ` in ${duration(seconds)}`;
  parts.push(h("p", { class: "hint" }, `${epochs}${time}`));
  if (loss.length > 0) parts.push(h("h2", { class: "small" }, "Loss"), curve("loss", loss, true));
  if (metric && metric.values.length > 0) parts.push(h("h2", { class: "small" }, metric.name), curve(metric.name, metric.values, false));
  for (const { name, values, gradients } of parameters ?? []) {
    parts.push(h("h2", { class: "small" }, ...spans(runs(name))), h("div", { class: "ridges" },
      ridge("weight", numbers, values ?? []), ridge("gradient", numbers, gradients ?? [])));
  }
  return h("div", { class: "training" }, ...parts);
}

/** A curve over the epochs; of a loss over more than a hundredfold, on a scale of powers of ten. */
function curve(name: string, values: Numeral[], positive: boolean): SVGElement {
  const numbers = values.map(toNumber);
  const finite = numbers.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const logarithmic = positive && low > 0 && high / low > 50;
  const scale = (value: number): number => (logarithmic ? Math.log10(value) : value);
  const [from, to] = low === high ? [scale(low) - 1, scale(high) + 1] : [scale(low), scale(high)];
  const x = (i: number): number => INSET.left + ((WIDTH - INSET.left - INSET.right) * i) / Math.max(1, numbers.length - 1);
  const y = (value: number): number => HEIGHT - INSET.bottom - ((HEIGHT - INSET.top - INSET.bottom) * (scale(value) - from)) / (to - from);
  const label = `${name}: from ${written(numbers[0]!)} to ${written(numbers.at(-1)!)}, least ${written(low)}`;
  const svg = s("svg", { class: "curve", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label });
  for (const tick of ticks(low, high, logarithmic)) {
    const level = y(tick);
    svg.append(s("line", { class: "grid", x1: INSET.left, x2: WIDTH - INSET.right, y1: level, y2: level }),
      s("text", { class: "tick", x: INSET.left - 6, y: level + 3.5, "text-anchor": "end" }, written(tick, 3)));
  }
  svg.append(s("text", { class: "tick", x: INSET.left, y: HEIGHT - 6 }, "1"),
    s("text", { class: "tick", x: WIDTH - INSET.right, y: HEIGHT - 6, "text-anchor": "end" }, `epoch ${numbers.length}`));
  let path = "";
  numbers.forEach((value, i) => {
    if (Number.isFinite(value)) path += `${path === "" || !Number.isFinite(numbers[i - 1]) ? "M" : "L"}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
  });
  svg.append(s("path", { class: "curve-line", d: path }));
  const last = numbers.length - 1;
  if (Number.isFinite(numbers[last])) svg.append(s("circle", { class: "curve-end", cx: x(last), cy: y(numbers[last]!), r: 3 }));
  return svg;
}

function ticks(low: number, high: number, logarithmic: boolean): number[] {
  if (low === high) return [low];
  if (logarithmic) {
    const found: number[] = [];
    for (let power = Math.ceil(Math.log10(low)); power <= Math.log10(high); power += 1) found.push(10 ** power);
    return found.length > 1 ? found : [low, high];
  }
  const rough = (high - low) / 3;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * unit).find((one) => one >= rough)!;
  const found: number[] = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) found.push(tick);
  return found;
}

/** Histograms behind each other, the latest in front. */
function ridge(what: "weight" | "gradient", epochs: number[], values: Value[]): HTMLElement {
  const rows = values.map((value, i) => ({ epoch: epochs[i] ?? i + 1, value })).filter(({ value }) => (value.histogram?.length ?? 0) > 1);
  const shown = thinned(rows, 12);
  if (shown.length === 0) return h("figure", {}, h("figcaption", {}, `no ${what}s`));
  const [width, step, tall] = [150, 9, 26];
  const height = tall + step * (shown.length - 1) + 2;
  const low = Math.min(...shown.map(({ value }) => toNumber(value.low)));
  const high = Math.max(...shown.map(({ value }) => toNumber(value.high)));
  const span = high - low || 1;
  const svg = s("svg", { class: `ridge ridge-${what}`, viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `The ${what} in epochs ${shown[0]!.epoch} to ${shown.at(-1)!.epoch}: histograms from ${written(low)} to ${written(high)}` });
  shown.forEach(({ value }, i) => {
    const base = tall + step * i;
    const bars = value.histogram!;
    const [own, end] = [toNumber(value.low), toNumber(value.high)];
    const most = Math.max(...bars, 1);
    const x = (place: number): number => ((place - low) / span) * width;
    let path = `M0 ${base}H${x(own).toFixed(1)}`;
    bars.forEach((bar, k) => {
      const middle = own + ((end - own) * (k + 0.5)) / bars.length;
      path += `L${x(middle).toFixed(1)} ${(base - (bar / most) * tall).toFixed(1)}`;
    });
    path += `L${x(end).toFixed(1)} ${base}H${width}`;
    const line = s("path", { d: path });
    line.style.opacity = String(0.45 + (0.55 * (i + 1)) / shown.length);
    svg.append(line);
  });
  return h("figure", {}, svg, h("figcaption", {}, h("span", {}, written(low, 2)), h("b", {}, what), h("span", {}, written(high, 2))));
}

function thinned<Row>(rows: Row[], most: number): Row[] {
  if (rows.length <= most) return rows;
  return Array.from({ length: most }, (_, i) => rows[Math.round((i * (rows.length - 1)) / (most - 1))]!);
}
