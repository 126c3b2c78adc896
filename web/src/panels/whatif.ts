/** What if an input were another number: the page evaluates the graph anew while one drags. */

import { h, runs, spans } from "../dom.ts";
import { written } from "../number.ts";
import { toNumber } from "../picture.ts";
import type { State } from "../state.ts";

const STEPS = 400;

/** The panel: a slider and a field for each input, and what the gradient foretells. */
export function whatIfPanel(state: State): HTMLElement {
  const { picture, readings } = state;
  if (state.whyNotLive !== undefined) {
    return h("div", { class: "whatif" }, h("p", { class: "hint" }, `Numbers cannot be changed here: ${state.whyNotLive}.`));
  }
  const inputs = picture.nodes.map((node, i) => ({ node, i })).filter(({ node }) => node.kind === "input" || node.kind === "parameter");
  const rows = inputs.map(({ i }) => inputRow(state, i));
  const reset = h("button", { type: "button", class: "action", onclick: () => state.resetInputs() }, "Reset");
  const outcome = h("div", { class: "outcome", "aria-live": "polite" });
  const start = picture.output === undefined ? NaN : toNumber(picture.nodes[picture.output]!.value?.number);
  const show = (): void => {
    for (const { update } of rows) update();
    reset.disabled = !readings.isChanged;
    outcome.replaceChildren(...outcomeParts(state, start, inputs.map(({ i }) => i)));
  };
  state.on(["values"], show);
  show();
  return h("div", { class: "whatif" },
    h("p", { class: "hint" }, "Drag a number: values and gradients follow."),
    ...rows.map(({ element }) => element), outcome, h("p", {}, reset));
}

function outcomeParts(state: State, start: number, inputs: number[]): (HTMLElement | string)[] {
  const { picture, readings } = state;
  if (picture.output === undefined || !readings.isChanged) return [];
  const name = picture.nodes[picture.output]!.name;
  const now = readings.number(picture.output) ?? NaN;
  let foretold = 0;
  for (const i of inputs) {
    const change = readings.number(i)! - toNumber(picture.nodes[i]!.value?.number);
    if (change !== 0) foretold += change * toNumber(picture.nodes[i]!.gradient?.number);
  }
  const line = (term: string, text: string): HTMLElement => h("div", {}, h("span", {}, term), h("b", {}, text));
  return [
    line(`${name} was`, written(start)), line(`${name} is`, written(now)),
    line("it changed by", signed(now - start)), line("the gradient foretold", signed(foretold)),
  ];
}

function signed(value: number): string {
  return value > 0 ? `+${written(value)}` : written(value);
}

function inputRow(state: State, node: number): { element: HTMLElement; update: () => void } {
  const { picture, readings } = state;
  const { name, kind } = picture.nodes[node]!;
  const given = toNumber(picture.nodes[node]!.value?.number);
  let reach = Math.max(1, 2 * Math.abs(given));
  let middle = given;
  const slider = h("input", { type: "range", "aria-label": `${name}, slider`, class: `slider kind-${kind}` });
  const field = h("input", { type: "number", step: "any", "aria-label": name, id: `input-${node}` });
  const gradient = h("span", { class: "tone-gradient" });
  const scale = (): void => {
    slider.min = String(middle - reach);
    slider.max = String(middle + reach);
    slider.step = String((2 * reach) / STEPS);
  };
  const change = (text: string): void => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isFinite(value)) state.setInput(node, value);
  };
  slider.addEventListener("input", () => change(slider.value));
  field.addEventListener("input", () => change(field.value));
  scale();
  const update = (): void => {
    const value = readings.number(node)!;
    if (Math.abs(value - middle) > reach) {
      reach = Math.max(reach, 2 * Math.abs(value - given));
      middle = given;
      scale();
    }
    slider.value = String(value);
    slider.setAttribute("aria-valuetext", written(value));
    if (document.activeElement !== field) field.value = String(Number(value.toPrecision(12)));
    gradient.textContent = readings.gradient(node) ? `gradient ${readings.gradient(node)!.text}` : "";
  };
  const element = h("div", { class: "input-row" },
    h("label", { for: `input-${node}` }, ...spans(runs(name))), field, slider, gradient);
  return { element, update };
}
