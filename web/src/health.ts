/** What is wrong with a run: what is not finite, and gradients that vanish. */

import { isStrange, norm } from "./colour.ts";
import { type Picture, toNumber } from "./picture.ts";

export interface Finding {
  kind: "value" | "gradient" | "vanishing";
  node: number;
  text: string;
}

/** Parameters whose gradient is so much smaller than the largest hardly learn. */
const VANISHED = 1e-5;

export function examine(picture: Picture): Finding[] {
  const { nodes } = picture;
  const found: Finding[] = [];
  const first = picture.strange?.value;
  if (first !== undefined && nodes[first]) {
    const total = nodes.filter((node) => isStrange(node.value)).length;
    const kind = Number.isNaN(toNumber(nodes[first].value?.number ?? 0)) || nodes[first].value?.nan ? "NaN" : "inf";
    found.push({ kind: "value", node: first, text: `first ${kind} at ${nodes[first].name}${total > 1 ? `, in ${total} nodes` : ""}` });
  }
  const last = picture.strange?.gradient;
  if (last !== undefined && nodes[last]) found.push({ kind: "gradient", node: last, text: `gradient not finite from ${nodes[last].name}` });
  const parameters = nodes
    .map((node, i) => ({ i, name: node.name, size: node.kind === "parameter" ? norm(node.gradient) : NaN }))
    .filter(({ size }) => Number.isFinite(size));
  if (parameters.length > 1) {
    const least = parameters.reduce((a, b) => (b.size < a.size ? b : a));
    const most = parameters.reduce((a, b) => (b.size > a.size ? b : a));
    if (most.size > 0 && least.size < most.size * VANISHED) {
      const ratio = least.size === 0 ? "zero" : `10${powers(Math.round(Math.log10(least.size / most.size)))} of the largest`;
      found.push({ kind: "vanishing", node: least.i, text: `vanishing gradient: ${least.name}, ${ratio}` });
    }
  }
  return found;
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

export function powers(exponent: number): string {
  return [...String(exponent)].map((c) => (c === "-" ? "⁻" : SUPERSCRIPTS[Number(c)])).join("");
}
