/** The bar below the graph: the formula of the step, and what moves from step to step. */

import { h } from "../dom.ts";
import { type Formula, mathElement, plainText } from "../notation.ts";
import { count } from "../number.ts";
import type { State } from "../state.ts";

const ICONS = {
  first: "M6 5v14M19 5l-9 7 9 7z",
  back: "M16 5l-9 7 9 7z",
  play: "M7 4.5l12 7.5-12 7.5z",
  pause: "M8 5v14M16 5v14",
  next: "M8 5l9 7-9 7z",
  last: "M18 5v14M5 5l9 7-9 7z",
};

export function icon(path: string): SVGElement {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  const line = document.createElementNS(namespace, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

export function stepper(state: State): HTMLElement {
  const formula = h("div", { class: "board-formula", tabindex: 0, role: "group", "aria-label": "Formula of the step" });
  const caption = h("div", { class: "board-caption" });
  const announcer = h("div", { class: "unseen", "aria-live": "polite", role: "status" });
  const button = (label: string, path: string, run: () => void): HTMLButtonElement =>
    h("button", { type: "button", class: "tool", "aria-label": label, title: label, onclick: run }, icon(path));
  const first = button("To the start (Home)", ICONS.first, () => state.goTo(0));
  const back = button("One step back (←)", ICONS.back, () => state.goTo(state.step - 1));
  const play = button("Play (space)", ICONS.play, () => (state.playing ? state.pause() : state.play()));
  const next = button("One step on (→)", ICONS.next, () => state.goTo(state.step + 1));
  const last = button("To the end (End)", ICONS.last, () => state.goTo(state.last));
  play.classList.add("primary");
  const slider = h("input", { type: "range", min: 0, class: "scrub", "aria-label": "Step" });
  slider.addEventListener("input", () => {
    state.pause();
    state.goTo(Number(slider.value));
  });

  const show = (): void => {
    const { step, steps } = state;
    slider.max = String(state.last);
    slider.value = String(step);
    const turn = steps.findIndex(({ phase }) => phase !== "forward");
    const share = turn < 0 ? 1 : turn / state.last;
    slider.style.setProperty("--turn", `${(share * 100).toFixed(2)}%`);
    slider.style.setProperty("--done", `${((100 * step) / Math.max(1, state.last)).toFixed(2)}%`);
    const text = captionOf(state);
    const math = state.formula() ?? fallback(state);
    caption.textContent = text;
    caption.className = `board-caption phase-${state.current?.phase ?? "none"}`;
    formula.replaceChildren(...(math ? [mathElement(math)] : []));
    slider.setAttribute("aria-valuetext", `${text}${math ? `: ${plainText(math)}` : ""}`);
    announcer.textContent = `${text}${math ? `: ${plainText(math)}` : ""}`;
    first.disabled = back.disabled = step === 0;
    next.disabled = last.disabled = step === state.last;
    const label = state.playing ? "Pause (space)" : "Play (space)";
    play.setAttribute("aria-label", label);
    play.title = label;
    play.replaceChildren(icon(state.playing ? ICONS.pause : ICONS.play));
  };
  state.on(["step", "fold", "play", "values"], show);
  state.on(["select"], () => {
    const { selected } = state;
    if (selected !== null) announcer.textContent = spoken(state, selected);
  });
  show();
  return h("section", { class: "board", "aria-label": "Steps" }, caption, formula,
    h("div", { class: "controls" }, first, back, play, next, last, slider), announcer);
}

function captionOf(state: State): string {
  const { step, steps, current, picture } = state;
  if (step === 0) return "The inputs are given";
  if (!current) return picture.output === undefined ? "All values" : "All values and gradients";
  const inside = current.group === undefined ? "" : `, inside ${state.nameOf(~current.group)}`;
  const many = current.to - current.from > 1 ? `, ${count(current.to - current.from)} steps at once` : "";
  const forward = steps.filter(({ phase }) => phase === "forward").length;
  if (current.phase === "forward") return `Forward, ${step} of ${forward}${inside}${many}`;
  if (current.phase === "seed") return "Backward begins";
  return `Backward, ${step - forward - 1} of ${steps.length - forward - 1}${inside}${many}`;
}

/** Where there is no single formula: at the end the result. */
function fallback(state: State): Formula | null {
  const { picture, current } = state;
  if (current || state.step === 0) return null;
  const output = picture.output ?? picture.outputs[0];
  return output === undefined ? null : state.chain.value(output);
}

function spoken(state: State, item: number): string {
  if (item < 0) return `${state.nameOf(item)}, group of ${state.folding.size(~item)} nodes, ${state.folding.open.has(~item) ? "open" : "closed"}`;
  const node = state.picture.nodes[item]!;
  const value = state.readings.value(item);
  const gradient = state.readings.gradient(item);
  return [`${node.name}${node.written ? ` = ${node.written}` : `, ${node.kind}`}`, value && `value ${value.full ?? value.text}`,
    gradient && `gradient ${gradient.full ?? gradient.text}`].filter(Boolean).join(", ");
}
