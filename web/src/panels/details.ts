/** What is known of the selected node or group. */

import { inWords, norm, ramp } from "../colour.ts";
import { h, runs, s, spans } from "../dom.ts";
import { type Item, groupItem, groupOf, isGroup } from "../fold.ts";
import { type Formula, mathElement } from "../notation.ts";
import { bytes, count, duration, written } from "../number.ts";
import { type Thumbnail, type Value, toNumber } from "../picture.ts";
import type { State } from "../state.ts";

/** The panel; it follows the selection, the step and the numbers. */
export function detailsPanel(state: State): HTMLElement {
  const panel = h("div", { class: "details" });
  const show = (): void => {
    const { selected } = state;
    if (selected === null) panel.replaceChildren(...overview(state));
    else panel.replaceChildren(...(isGroup(selected) ? ofGroup(state, groupOf(selected)) : ofNode(state, selected)));
  };
  state.on(["select", "values", "fold", "colour"], show);
  show();
  return panel;
}

function overview(state: State): HTMLElement[] {
  const { picture } = state;
  const parts: HTMLElement[] = [];
  if (picture.nodes.length > 0) {
    parts.push(h("p", { class: "hint" }, "Choose a node to see its numbers, and how its gradient comes about."));
  }
  if (picture.output !== undefined) {
    const rows = picture.nodes
      .map((node, i) => ({ node, i }))
      .filter(({ node, i }) => (node.kind === "input" || node.kind === "parameter") && state.readings.gradient(i))
      .slice(0, 60);
    if (rows.length > 0) {
      const most = Math.max(...rows.map(({ i }) => norm(state.readings.gradient(i))).filter(Number.isFinite), 0);
      const norms = rows.some(({ i }) => state.readings.gradient(i)!.number === undefined);
      parts.push(h("h2", { class: "small" }, norms ? "Norms of the gradients" : "Gradients"), h("table", { class: "gradients" }, h("tbody", {}, ...rows.map(({ node, i }) => {
        const gradient = state.readings.gradient(i)!;
        const length = most > 0 ? logarithmic(norm(gradient) / most) : 0;
        const bar = h("span", { class: "bar" });
        bar.style.width = `${(length * 100).toFixed(1)}%`;
        const text = gradient.number !== undefined ? gradient.text : written(norm(gradient));
        return h("tr", {},
          h("th", { scope: "row" }, itemButton(state, i, node.name)),
          h("td", { class: "number tone-gradient" }, text),
          h("td", { class: "track" }, bar));
      }))));
    }
  }
  return parts;
}

/** A ratio on a scale of eight powers of ten: a gradient that has vanished has no length. */
function logarithmic(ratio: number): number {
  return ratio > 0 ? Math.max(0.02, 1 + Math.log10(ratio) / 8) : 0;
}

function itemButton(state: State, item: Item, text: string): HTMLElement {
  return h("button", { type: "button", class: "link", onclick: () => state.show(item) }, ...spans(runs(text)));
}

/** A formula on a line of its own; a long one is scrolled, with keys too. */
function formulaLine(formula: Formula): HTMLElement {
  return h("div", { class: "formula", tabindex: 0, role: "group", "aria-label": "Formula" }, mathElement(formula));
}

function ofNode(state: State, node: number): HTMLElement[] {
  const { picture, readings, chain, neighbours } = state;
  const one = picture.nodes[node]!;
  const parts: (HTMLElement | null)[] = [h("h2", {}, ...spans(runs(one.name)))];
  if (one.operands) parts.push(formulaLine(chain.value(node)));
  parts.push(facts([
    ["kind", one.operands ? `${one.kind}, ${one.operation}` : one.kind],
    ["shape", one.shape ? one.shape.length === 0 ? `one number, ${one.dtype ?? ""}` : `${one.dtype ?? ""}[${one.shape.join(", ")}]` : undefined],
    ["source", one.source ? sourceText(one.source) : undefined],
    ["inside", insideOf(state, node)],
    ["memory", one.memory === undefined ? undefined : bytes(one.memory)],
    ["arithmetic", one.flops === undefined ? undefined : `${count(one.flops)} operations`],
    ["time", one.seconds === undefined ? undefined : duration(one.seconds)],
  ]));
  const value = readings.value(node);
  if (value) parts.push(h("h3", {}, "Value"), ...valueParts(state, value, "value"));
  const gradient = readings.gradient(node);
  if (gradient && picture.output !== undefined) {
    parts.push(h("h3", { class: "tone-gradient" }, "Gradient"));
    const last = state.board.arrivalsOf(node).at(-1);
    const whole = chain.whole(node) ?? (last === undefined ? null : chain.edge(last, picture.steps.length));
    if (whole) parts.push(formulaLine(whole));
    parts.push(...valueParts(state, gradient, "gradient"));
  }
  const ends = (edges: readonly number[], end: "source" | "target"): HTMLElement[] =>
    edges.slice(0, 12).map((edge) => h("li", {}, itemButton(state, picture.edges[edge]![end], picture.nodes[picture.edges[edge]![end]]!.name)));
  const [into, out] = [neighbours.into[node]!, neighbours.out[node]!];
  if (into.length > 0) parts.push(h("h3", {}, "Made from"), h("ul", { class: "chips" }, ...ends(into, "source")));
  if (out.length > 0) parts.push(h("h3", {}, "Used by"), h("ul", { class: "chips" }, ...ends(out, "target")));
  return parts.filter((part) => part !== null);
}

function ofGroup(state: State, group: number): HTMLElement[] {
  const { folding, colours } = state;
  const { kind, label, path, detail, copies } = folding.groups[group]!;
  const open = folding.open.has(group);
  const sum = (mode: "memory" | "flops" | "time" | "gradient" | "range"): string | undefined => {
    const measure = colours.measure(groupItem(group), mode);
    return Number.isNaN(measure) ? undefined : inWords(measure, mode);
  };
  return [
    h("h2", {}, ...spans(runs(label)), copies ? ` × ${copies}` : ""),
    facts([
      ["kind", kind === "part" ? "part of a long row" : kind],
      ["path", path],
      [kind === "body" ? "what" : "made by", detail],
      ["nodes", count(folding.size(group))],
      ["largest value", sum("range")],
      ["largest gradient", sum("gradient")],
      ["memory", sum("memory")],
      ["arithmetic", sum("flops")],
      ["time", sum("time")],
    ]),
    h("p", {}, h("button", { type: "button", class: "action", onclick: () => state.toggle(group) }, open ? "Close" : "Open")),
  ];
}

function insideOf(state: State, node: number): string | undefined {
  const names = [...state.folding.ancestors(node)].reverse().map((group) => state.folding.groups[group]!);
  return names.length === 0 ? undefined : names.map(({ label, kind }) => (kind === "function" ? `${label}()` : label)).join(" › ");
}

export function sourceText({ file, line, madeBy }: { file: string; line?: number; madeBy?: string }): string {
  return `${file}${line === undefined ? "" : `:${line}`}${madeBy ? `, by ${madeBy}` : ""}`;
}

function facts(rows: [string, string | undefined][]): HTMLElement {
  const list = h("dl", { class: "facts" });
  for (const [term, text] of rows) if (text) list.append(h("dt", {}, term), h("dd", {}, text));
  return list;
}

function valueParts(state: State, value: Value, tone: "value" | "gradient"): HTMLElement[] {
  if (value.number !== undefined) return [h("p", { class: `big tone-${tone}` }, value.text)];
  const parts: HTMLElement[] = [h("p", { class: `tone-${tone}` }, value.full ?? value.text)];
  const numbers = (["low", "mean", "high", "std", "norm"] as const)
    .filter((key) => value[key] !== undefined)
    .map((key): [string, string] => [{ low: "least", mean: "mean", high: "greatest", std: "deviation", norm: "norm" }[key], written(toNumber(value[key]))]);
  const strange: [string, string | undefined][] = [
    ["NaN", value.nan ? count(value.nan) : undefined],
    ["inf", value.inf ? count(value.inf) : undefined],
    ["zeros", value.zeros ? count(value.zeros) : undefined],
  ];
  parts.push(facts([...numbers, ...strange]));
  if (value.histogram && value.histogram.length > 1) parts.push(histogram(value));
  if (value.thumbnail) parts.push(thumbnail(value.thumbnail, state.theme));
  return parts;
}

function histogram(value: Value): HTMLElement {
  const bars = value.histogram!;
  const most = Math.max(...bars, 1);
  const [width, height] = [264, 56];
  const step = width / bars.length;
  const svg = s("svg", { class: "histogram", viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `Histogram from ${written(toNumber(value.low))} to ${written(toNumber(value.high))}` });
  bars.forEach((bar, i) => {
    const tall = (bar / most) * height;
    svg.append(s("rect", { x: i * step + 0.5, y: height - tall, width: step - 1, height: tall }));
  });
  return h("figure", {}, svg, h("figcaption", {}, h("span", {}, written(toNumber(value.low))), h("span", {}, written(toNumber(value.high)))));
}

/** A matrix in colours: blue below zero, red above. */
function thumbnail(picture: Thumbnail, theme: "light" | "dark"): HTMLElement {
  const { rows, columns } = picture;
  const canvas = h("canvas", { class: "thumbnail", width: columns, height: rows, role: "img", "aria-label": `The matrix in colours, ${rows} by ${columns} cells` });
  const context = canvas.getContext("2d");
  const cells = Uint8Array.from(atob(picture.cells), (character) => character.charCodeAt(0));
  const [low, high] = [toNumber(picture.low), toNumber(picture.high)];
  const most = Math.max(Math.abs(low), Math.abs(high)) || 1;
  for (let i = 0; i < rows * columns && context; i += 1) {
    const value = low + (high - low) * (cells[i]! / 254);
    const mode = value < 0 ? "range" : "gradient";
    context.fillStyle = cells[i] === 255 ? "#ffd23f" : ramp(Math.abs(value) / most, mode, theme);
    context.fillRect(i % columns, Math.floor(i / columns), 1, 1);
  }
  return h("figure", {}, canvas, h("figcaption", {}, h("span", {}, "blue: below zero"), h("span", {}, "red: above")));
}
