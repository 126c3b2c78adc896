/** The drawing of boxes and wires as SVG. */

import { inPlace, runs, runsWidth, s, tspans } from "./dom.ts";
import { groupOf, isGroup } from "./fold.ts";
import { FRAME, type Box, type Point, type Wire } from "./layout.ts";
import type { State } from "./state.ts";
import { isStrange } from "./colour.ts";
import { GRADIENT, LABEL, NAME, VALUE, groupWords, linkLabel, nodeWords } from "./words.ts";

const HEAD = 7;

const px = (value: number): string => value.toFixed(1).replace(/\.0$/, "");

/** A path through pairs of points: straight inside a pair, a curve from pair to pair. */
export function pathOf(points: readonly Point[], shorten = 0): string {
  const first = points[0]!;
  const back = points.at(-1)!.x < first.x ? -1 : 1;
  let text = `M${px(first.x)} ${px(first.y)}`;
  for (let i = 1; i < points.length; i += 1) {
    const [from, to] = [points[i - 1]!, points[i]!];
    const x = i === points.length - 1 ? to.x - back * shorten : to.x;
    if (Math.abs(from.y - to.y) < 0.05) text += `H${px(x)}`;
    else {
      const middle = (from.x + x) / 2;
      text += `C${px(middle)} ${px(from.y)} ${px(middle)} ${px(to.y)} ${px(x)} ${px(to.y)}`;
    }
  }
  return text;
}

/** The smallest rectangle around a wire. */
export function boundsOf({ points, label }: Wire): { left: number; right: number; top: number; bottom: number } {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { x, y } of points) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  if (label) {
    top = Math.min(top, label.y - label.height);
    bottom = Math.max(bottom, label.y + label.height);
  }
  return { left, right, top, bottom };
}

/** Draw a wire into its group. */
export function drawWire(state: State, wire: Wire, into: SVGGElement): void {
  const tip = wire.points.at(-1)!;
  const back = tip.x < wire.points[0]!.x;
  const along = pathOf(wire.points, wire.arrow ? HEAD * 0.7 : 0);
  const children: SVGElement[] = [s("path", { class: "line", d: along }), s("path", { class: "flow", d: along })];
  if (wire.arrow) {
    const length = back ? HEAD : -HEAD;
    children.push(s("path", { class: "head", d: `M${px(tip.x)} ${px(tip.y)}l${length} -3.6v7.2z` }));
  }
  const edge = state.picture.edges[wire.edges[0]!]!;
  if (wire.label && state.board.hasValue(edge.target, state.position)) {
    const { x, y, width, height } = wire.label;
    const text = s("text", { class: "label", x: px(x), y: px(y + LABEL * 0.35), "font-size": LABEL });
    text.append(...tspans(runs(linkLabel(state, wire.edges)), LABEL));
    children.push(s("rect", { class: "gap", x: px(x - width / 2 + 2), y: px(y - height / 2), width: px(width - 4), height, rx: 5 }), text);
  }
  into.replaceChildren(...children);
}

/** Draw a box into its group. */
export function drawBox(state: State, box: Box, fill: string | null, into: SVGGElement): void {
  if (!isGroup(box.item)) drawNode(state, box, fill, into);
  else if (box.open) drawFrame(state, box, into);
  else drawGroup(state, box, fill, into);
}

function drawNode(state: State, box: Box, fill: string | null, into: SVGGElement): void {
  const { kind } = state.picture.nodes[box.item]!;
  const words = nodeWords(state, box.item);
  const leaf = kind === "input" || kind === "parameter" || kind === "constant";
  const middle = box.x + box.width / 2;
  const rect = s("rect", { class: "body", x: px(box.x), y: px(box.y), width: px(box.width), height: px(box.height), rx: leaf ? 18 : 8 });
  paint(rect, fill);
  const tall = box.height >= 50;
  const heading = s("text", { class: "name", x: px(middle), y: px(box.y + (tall ? 20 : box.height / 2 + 5)), "font-size": NAME });
  heading.append(...tspans(words.name, NAME));
  if (words.operation.length > 0) {
    const operation = s("tspan", { class: "operation" });
    operation.append(...tspans(words.operation, NAME));
    heading.append(operation);
  }
  const children: SVGElement[] = [rect, heading];
  if (words.value) {
    children.push(s("text", { class: "value", x: px(middle), y: px(box.y + 40), "font-size": VALUE }, inPlace(words.value)));
  }
  if (words.gradient.length > 0) {
    const base = box.y + box.height + 16;
    const under = s("text", { class: "gradient", x: px(middle - 8), y: px(base), "font-size": GRADIENT });
    under.append(...tspans(words.gradient, GRADIENT));
    children.push(under, arrival(state, box, base));
  }
  if (isStrange(state.readings.value(box.item)) || isStrange(state.readings.gradient(box.item))) children.push(badge(box));
  into.replaceChildren(...children);
}

/** The small arrow that comes from the right, behind the gradient. */
function arrival(state: State, box: Box, base: number): SVGElement {
  const { gradient } = nodeWords(state, box.item);
  const half = runsWidth(gradient, GRADIENT) / 2;
  const tip = box.x + box.width / 2 - 8 + half + 5;
  const level = px(base - 4.5);
  return s("path", { class: "arrival", d: `M${px(tip + 13)} ${level}H${px(tip)}m4 -3.5l-4 3.5l4 3.5` });
}

function badge(box: Box): SVGElement {
  const text = s("text", { class: "badge-text", x: px(box.x + box.width - 4), y: px(box.y + 4), "font-size": 10 }, "!");
  return s("g", { class: "badge" }, s("circle", { cx: px(box.x + box.width - 4), cy: px(box.y + 0.5), r: 8 }), text);
}

function paint(rect: SVGElement, fill: string | null): void {
  if (fill) rect.style.fill = fill;
}

function drawGroup(state: State, box: Box, fill: string | null, into: SVGGElement): void {
  const group = groupOf(box.item);
  const words = groupWords(state, group);
  const middle = box.x + box.width / 2;
  const sheet = (shift: number): SVGElement =>
    s("rect", { class: "body sheet", x: px(box.x + shift), y: px(box.y + shift), width: px(box.width), height: px(box.height), rx: 8 });
  const rect = s("rect", { class: "body", x: px(box.x), y: px(box.y), width: px(box.width), height: px(box.height), rx: 8 });
  paint(rect, fill);
  const sheets = words.times ? [sheet(7), sheet(3.5)] : [];
  const heading = s("text", { class: "name", x: px(middle - 8), y: px(box.y + 21), "font-size": NAME }, inPlace(words.label));
  if (words.times) heading.append(s("tspan", { class: "operation" }, words.times));
  const detail = s("text", { class: "detail", x: px(middle), y: px(box.y + 39), "font-size": LABEL }, inPlace(words.detail));
  const strange = state.colours.measure(box.item, "finite") > 0 ? [badge(box)] : [];
  into.replaceChildren(...sheets, rect, heading, detail, handle(box.x + box.width - 16, box.y + 15, true), ...strange);
}

function drawFrame(state: State, box: Box, into: SVGGElement): void {
  const words = groupWords(state, groupOf(box.item));
  const rect = s("rect", { class: "frame", x: px(box.x), y: px(box.y), width: px(box.width), height: px(box.height), rx: 12 });
  const bar = s("rect", { class: "bar", x: px(box.x), y: px(box.y), width: px(box.width), height: FRAME.top - 8, rx: 12 });
  const heading = s("text", { class: "frame-name", x: px(box.x + 14), y: px(box.y + 18), "font-size": 12.5 }, inPlace(words.label) + words.times);
  if (words.made) heading.append(s("tspan", { class: "made" }, `  ${inPlace(words.made)}`));
  into.replaceChildren(rect, bar, heading, handle(box.x + box.width - 16, box.y + 14, false));
}

/** What opens and closes a group: a plus, or a minus. */
function handle(x: number, y: number, plus: boolean): SVGElement {
  const sign = plus ? `M${px(x - 3.5)} ${px(y)}h7M${px(x)} ${px(y - 3.5)}v7` : `M${px(x - 3.5)} ${px(y)}h7`;
  return s("g", { class: "handle" }, s("circle", { cx: px(x), cy: px(y), r: 7.5 }), s("path", { d: sign }));
}
