/** Making elements. Text is always set as text: nothing of a picture is ever read as HTML. */

import { splitName } from "./notation.ts";

type Child = Node | string | null | undefined | false;
type Attributes = Record<string, string | number | boolean | undefined | ((event: never) => void)>;

function fill(made: Element, attributes: Attributes, children: Child[]): void {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(key.replace(/^on/, ""), value as EventListener);
    else made.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children) if (child) made.append(child);
}

/** An HTML element. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag, attributes: Attributes = {}, ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  fill(made, attributes, children);
  return made;
}

/** An SVG element. */
export function s<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag, attributes: Attributes = {}, ...children: Child[]
): SVGElementTagNameMap[Tag] {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  fill(made, attributes, children);
  return made;
}

/** A piece of text in one style. */
export interface Run {
  text: string;
  style: "plain" | "variable" | "index";
}

/** Text in which single letters are variables, and digits behind them indices. */
export function runs(text: string): Run[] {
  const found: Run[] = [];
  for (const piece of text.split(/((?<![\p{N}.])[A-Za-z\u0370-\u03ff_][\p{L}\p{N}_.]*)/u)) {
    if (piece === "") continue;
    const { stem, index, variable } = splitName(piece);
    if (!variable) {
      found.push({ text: piece, style: "plain" });
      continue;
    }
    found.push({ text: stem, style: "variable" });
    if (index) found.push({ text: index, style: "index" });
  }
  return found;
}

const FAMILIES = {
  sans: '"Helvetica Neue", Helvetica, Arial, "Liberation Sans", "DejaVu Sans", sans-serif',
  serif: '"STIX Two Text", "Cambria", "Times New Roman", "Liberation Serif", serif',
};

let context: CanvasRenderingContext2D | null | undefined;
const widths = new Map<string, number>();

/** How wide a piece of text is. */
export function textWidth(text: string, size: number, bold = false, family: keyof typeof FAMILIES = "sans", italic = false): number {
  const font = `${italic ? "italic " : ""}${bold ? "600 " : ""}${size}px ${FAMILIES[family]}`;
  const key = `${font}|${text}`;
  const known = widths.get(key);
  if (known !== undefined) return known;
  context ??= document.createElement("canvas").getContext("2d");
  let width = text.length * size * 0.55;
  if (context) {
    context.font = font;
    width = context.measureText(text).width;
  }
  if (widths.size > 50_000) widths.clear();
  widths.set(key, width);
  return width;
}

/** The sizes of runs beside their text: variables are a little larger, indices smaller. */
export const VARIABLE = 1.16;
export const INDEX = 0.76;

/** Italic letters lean over what stands upright behind them. */
const LEAN = 1.5;

export function runsWidth(pieces: readonly Run[], size: number, bold = false): number {
  let width = 0;
  for (const { text, style } of pieces) {
    if (style === "variable") width += textWidth(text, size * VARIABLE, bold, "serif", true) + LEAN;
    else if (style === "index") width += textWidth(text, size * INDEX, bold, "serif");
    else width += textWidth(text, size, bold);
  }
  return width;
}

/** Letters that run to the left, with the spaces between them. */
const LEFTWARD = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]+(\s+[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]+)*/g;

/** Keeps what stands behind a name that runs to the left where it is written. */
export function inPlace(text: string): string {
  return text.replace(LEFTWARD, "$&\u200e");
}

/** Runs as the children of an SVG text. */
export function tspans(pieces: readonly Run[], size: number): SVGTSpanElement[] {
  let shifted = false;
  return pieces.map(({ text, style }) => {
    const attributes: Attributes = { class: `run-${style}` };
    if (style === "variable") attributes["font-size"] = (size * VARIABLE).toFixed(1);
    if (style === "index") attributes["font-size"] = (size * INDEX).toFixed(1);
    if (style === "plain" && /^[/)]/.test(text)) attributes["dx"] = LEAN;
    if ((style === "index") !== shifted) {
      shifted = !shifted;
      attributes["dy"] = shifted ? (size * 0.22).toFixed(1) : (-size * 0.22).toFixed(1);
    }
    return s("tspan", attributes, inPlace(text));
  });
}

/** Runs as HTML; a long path may break behind its dots. */
export function spans(pieces: readonly Run[]): Node[] {
  return pieces.flatMap(({ text, style }): Node[] => {
    if (style === "variable") return [h("i", { class: "variable" }, text)];
    if (style === "index") return [h("sub", {}, text)];
    return text.split(/(?<=[._/])/).flatMap((part, i) => [...(i > 0 ? [h("wbr")] : []), document.createTextNode(part)]);
  });
}

/** At most so many characters. */
export function shortened(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}
