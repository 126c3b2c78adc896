/** Formulas: built from the picture's trees, shown as MathML, and written as plain text for who listens. */

import { MINUS } from "./number.ts";
import type { Operand, Tree } from "./picture.ts";
import { toNumber } from "./picture.ts";
import { written } from "./number.ts";

/** A formula as it is typeset. */
export type Formula =
  | { kind: "name" | "number" | "operator" | "text" | "function"; text: string; plain?: string; tone?: Tone; tall?: boolean }
  | { kind: "row"; parts: Formula[]; tone?: Tone }
  | { kind: "fraction" | "power"; parts: [Formula, Formula]; tone?: Tone }
  | { kind: "root"; parts: [Formula]; tone?: Tone };

/** A colour with a meaning. */
export type Tone = "gradient" | "value" | "faint";

export const name = (text: string, tone?: Tone): Formula => ({ kind: "name", text, ...(tone && { tone }) });
export const numeral = (text: string, tone?: Tone): Formula => ({ kind: "number", text, ...(tone && { tone }) });
export const words = (text: string, tone?: Tone): Formula => ({ kind: "text", text, ...(tone && { tone }) });
export const operator = (text: string, plain = text): Formula => ({ kind: "operator", text, plain });
export const row = (...parts: Formula[]): Formula => ({ kind: "row", parts });
export const EQUALS = operator("=", " = ");
export const PLUS = operator("+", " + ");
export const TIMES = operator("·", " * ");

/** The derivative of one name by another, as a fraction. */
export function derivative(target: string, source: string, tone?: Tone): Formula {
  const d = operator("∂", "d");
  return { kind: "fraction", parts: [row(d, name(target)), row(d, name(source))], ...(tone && { tone }) };
}

const ATOM = 100;
const PRECEDENCE = table<[string, string, number]>({
  less: ["<", " < ", 5],
  less_equal: ["≤", " <= ", 5],
  greater: [">", " > ", 5],
  greater_equal: ["≥", " >= ", 5],
  equal: ["=", " == ", 5],
  not_equal: ["≠", " != ", 5],
  add: ["+", " + ", 10],
  subtract: [MINUS, " - ", 10],
  multiply: ["·", "*", 20],
  strong_product: ["·", "*", 20],
  matmul: ["@", " @ ", 20],
});
const NAMES = table({ select: "where", absolute: "abs" });

/** A table by names that may be anything: one that is no key is not found, whatever objects have of themselves. */
function table<Entry>(entries: Record<string, Entry>): ReadonlyMap<string, Entry> {
  return new Map(Object.entries(entries));
}

type Weighed = [Formula, number];

/** A formula in brackets. */
export function bracketed(inside: Formula): Formula {
  const tall = isTall(inside);
  return row({ kind: "operator", text: "(", tall }, inside, { kind: "operator", text: ")", tall });
}

function isTall(math: Formula): boolean {
  return math.kind === "fraction" || ("parts" in math && math.parts.some(isTall));
}

function guarded([inside, precedence]: Weighed, least: number): Formula {
  return precedence < least ? bracketed(inside) : inside;
}

/** A number as a formula; one with a sign binds as weakly as a sign does. */
export function weighNumber(value: number, digits = 4): Weighed {
  const text = written(value, digits);
  return [numeral(text), text.startsWith(MINUS) ? 15 : ATOM];
}

/** An operation applied to formulas. */
export function applied(operation: string, operands: Weighed[], params?: Record<string, unknown>): Weighed {
  const infix = PRECEDENCE.get(operation);
  const [first, second] = operands;
  if (infix && first && second) {
    const [symbol, plain, precedence] = infix;
    const tight = operation === "subtract" ? precedence + 1 : precedence + (second[1] === 15 ? 1 : 0);
    const left = guarded(first, precedence > 10 && first[1] === 15 ? 0 : precedence);
    return [row(left, operator(symbol, plain), guarded(second, Math.max(tight, second[1] === 15 ? 16 : 0))), precedence];
  }
  if (operation === "divide" && first && second) return [{ kind: "fraction", parts: [first[0], second[0]] }, 25];
  if (operation === "reciprocal" && first) return [{ kind: "fraction", parts: [numeral("1"), first[0]] }, 25];
  if (operation === "power" && first && second) return [{ kind: "power", parts: [guarded(first, 50), second[0]] }, 40];
  if (operation === "square" && first) return [{ kind: "power", parts: [guarded(first, 50), numeral("2")] }, 40];
  if (operation === "sqrt" && first) return [{ kind: "root", parts: [first[0]] }, ATOM];
  if (operation === "negative" && first) return [row(operator(MINUS, "-"), guarded(first, 20)), 15];
  if (operation === "permute" && first && operands.length === 1) {
    return [{ kind: "power", parts: [guarded(first, 50), { kind: "text", text: "T", plain: "T" }] }, 60];
  }
  const shown = NAMES.get(operation) ?? operation;
  const inside: Formula[] = [];
  const more = Object.entries(params ?? {}).filter(([, value]) => value !== null);
  const keywords = more.map(([key, value]) => words(`${key}=${JSON.stringify(value)}`));
  for (const part of [...operands.map(([one]) => one), ...keywords]) {
    if (inside.length > 0) inside.push(operator(",", ", "));
    inside.push(part);
  }
  return [row({ kind: "function", text: shown }, operator("("), ...inside, operator(")")), ATOM];
}

/** A tree of the picture as a formula; ``operand``, ``result`` and ``gradient`` say what its leaves are. */
export function formula(
  tree: Tree, leaves: { operand: (place: number) => Weighed; result: () => Weighed; gradient: () => Weighed },
): Weighed {
  if (typeof tree !== "object") return weighNumber(toNumber(tree));
  if ("operand" in tree) return leaves.operand(tree.operand);
  if ("result" in tree) return leaves.result();
  if ("gradient" in tree) return leaves.gradient();
  return applied(tree.operation, tree.operands.map((one) => formula(one, leaves)), tree.params);
}

/** An operand of a node: its name, or its number. */
export function operandNamed(operand: Operand | undefined, nameOf: (node: number) => string): Weighed {
  if (operand === undefined) return [words("?"), ATOM];
  return "node" in operand ? [name(nameOf(operand.node)), ATOM] : weighNumber(toNumber(operand.number));
}

/** A name split into a letter and the digits at its end, which are set as an index: z1, W_2. */
export function splitName(text: string): { stem: string; index: string; variable: boolean } {
  const match = /^([A-Za-z\u0370-\u03ff])_?(\d{1,6})?$/.exec(text);
  return match ? { stem: match[1]!, index: match[2] ?? "", variable: true } : { stem: text, index: "", variable: false };
}

const MATHML = "http://www.w3.org/1998/Math/MathML";

/** How operators stand, where the renderer could not know: it would take a bracket behind a name for an infix. */
const FORMS = table<Record<string, string>>({
  "∂": { form: "prefix", lspace: "0", rspace: "0" },
  "(": { form: "prefix", lspace: "0", rspace: "0", stretchy: "false" },
  ")": { form: "postfix", lspace: "0", rspace: "0", stretchy: "false" },
});

function element(tag: string, children: (Node | string)[] = [], attributes: Record<string, string> = {}): Element {
  const made = document.createElementNS(MATHML, tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** The formula as a MathML element, which says itself as plain text. */
export function mathElement(math: Formula): Element {
  return element("math", [drawn(math)], { "aria-label": plainText(math), role: "math", displaystyle: "true" });
}

function drawn(math: Formula): Element {
  const made = draw(math);
  if (math.tone) made.setAttribute("class", `tone-${math.tone}`);
  return made;
}

function draw(math: Formula): Element {
  switch (math.kind) {
    case "name": {
      const { stem, index, variable } = splitName(math.text);
      const letter = variable ? element("mi", [stem]) : element("mtext", [stem], { class: "word" });
      return index ? element("msub", [letter, element("mn", [index])]) : letter;
    }
    case "number":
      return element("mn", [math.text]);
    case "function":
      return element("mi", [math.text], { class: "function" });
    case "text":
      return element("mtext", [math.text]);
    case "operator":
      return element("mo", [math.text], { ...FORMS.get(math.text), ...(math.tall && { stretchy: "true" }) });
    case "row":
      return element("mrow", math.parts.map(drawn));
    case "fraction":
      return element("mfrac", math.parts.map(drawn));
    case "power":
      return element("msup", math.parts.map(drawn));
    case "root":
      return element("msqrt", math.parts.map(drawn));
  }
}

/** The formula as one writes it on a keyboard: dL/db = dL/dd * dd/db = -2 * 2 = -4. */
export function plainText(math: Formula): string {
  switch (math.kind) {
    case "row":
      return math.parts.map(plainText).join("");
    case "fraction": {
      const [above, below] = math.parts;
      return `${grouped(above)}/${grouped(below)}`;
    }
    case "power":
      return math.parts[1].kind === "text" ? `${plainText(math.parts[0])}.T` : `${plainText(math.parts[0])}**${grouped(math.parts[1])}`;
    case "root":
      return `sqrt(${plainText(math.parts[0])})`;
    default:
      return (math.plain ?? math.text).replaceAll(MINUS, "-");
  }
}

function grouped(math: Formula): string {
  const text = plainText(math);
  const simple = math.kind !== "row" || (math.parts[0]?.kind === "operator" && math.parts[0].text === "∂");
  return simple || !/[ *+]|.-/.test(text) ? text : `(${text})`;
}
