/** The page: head, stage, steps and panels put together. */

import { type Mode, MODES, inWords, ramp } from "./colour.ts";
import { h, runs, shortened, spans } from "./dom.ts";
import { detailsPanel } from "./panels/details.ts";
import { listPanel } from "./panels/list.ts";
import { icon, stepper } from "./panels/stepper.ts";
import { trainingPanel } from "./panels/training.ts";
import { whatIfPanel } from "./panels/whatif.ts";
import type { Picture } from "./picture.ts";
import { Stage } from "./stage.ts";
import { State } from "./state.ts";

const THEME = "M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9z";
const FIT = "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5";

export interface Page {
  state: State;
  stage: Stage;
}

/** Show a picture in an element. */
export function mount(root: HTMLElement, picture: Picture): Page {
  const state = new State(picture);
  const hasGraph = picture.nodes.length > 0;
  root.classList.add("pullback");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const follow = (): void => setTheme(root, state, dark.matches ? "dark" : "light");
  dark.addEventListener("change", follow);
  follow();

  const stage = new Stage(state);
  const list = listPanel(state);
  const panels = makePanels(state, list.element, hasGraph);
  const search = h("input", { type: "search", placeholder: "Search", "aria-label": "Search nodes and groups", class: "search", autocomplete: "off" });
  search.addEventListener("input", () => {
    list.search(search.value);
    panels.open("list");
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") list.next();
    else if (event.key === "Escape") {
      search.value = "";
      list.search("");
      stage.element.focus();
    } else return;
    event.preventDefault();
  });
  const theme = h("button", { type: "button", class: "tool", "aria-label": "Light or dark", title: "Light or dark",
    onclick: () => setTheme(root, state, state.theme === "dark" ? "light" : "dark") }, icon(THEME));
  const title = picture.title ?? "";
  document.title = shortened(title || "Computation graph", 80);
  const head = h("header", { class: "head" },
    h("h1", {}, ...(title ? spans(runs(title)) : ["Computation graph"])),
    h("div", { class: "findings" }, ...state.findings.map((finding) =>
      h("button", { type: "button", class: `finding finding-${finding.kind}`, onclick: () => state.show(finding.node) }, shortened(finding.text, 60)))),
    hasGraph ? h("div", { class: "tools" }, search, colourChoice(state), theme) : h("div", { class: "tools" }, theme));
  const fit = h("button", { type: "button", class: "tool fit", "aria-label": "See all (f)", title: "See all (f)", onclick: stage.fit }, icon(FIT));
  const shown = h("main", { class: "shown" }, ...(hasGraph
    ? [h("div", { class: "lectern" }, h("div", { class: "stage-holder" }, stage.element, legend(state), fit), ...(state.last > 0 ? [stepper(state)] : []))]
    : []), panels.element);
  shown.classList.toggle("no-graph", !hasGraph);
  root.replaceChildren(head, shown);
  if (hasGraph) stage.start();
  document.addEventListener("keydown", (event) => globalKey(event, state, stage, search));
  return { state, stage };
}

function setTheme(root: HTMLElement, state: State, theme: "light" | "dark"): void {
  root.dataset["theme"] = theme;
  state.setTheme(theme);
}

function globalKey(event: KeyboardEvent, state: State, stage: Stage, search: HTMLInputElement): void {
  const target = event.target as Element | null;
  if (event.ctrlKey || event.metaKey || event.altKey || target?.matches("input, select, textarea, [role=tab]")) return;
  const onButton = target?.matches("button");
  const actions: Record<string, () => void> = {
    ArrowRight: () => state.goTo(state.step + 1),
    ArrowLeft: () => state.goTo(state.step - 1),
    Home: () => state.goTo(0),
    End: () => state.goTo(state.last),
    f: stage.fit,
    "/": () => search.focus(),
    "+": () => stage.camera.zoom(1.25),
    "-": () => stage.camera.zoom(0.8),
  };
  const action = event.key === " " && !onButton ? () => (state.playing ? state.pause() : state.play()) : actions[event.key];
  if (!action) return;
  event.preventDefault();
  if (event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End") state.pause();
  action();
}

function colourChoice(state: State): HTMLElement {
  const choice = h("select", { "aria-label": "Colour by" },
    ...state.colours.available().map((mode) => h("option", { value: mode }, MODES[mode])),
    ...(state.picture.steps.length > 0 && !state.colours.available().includes("time")
      ? [h("option", { disabled: true, title: "run.save(…, timed=True) measures it" }, `${MODES.time} (not measured)`)] : []));
  choice.addEventListener("change", () => state.setMode(choice.value as Mode));
  return h("label", { class: "colour" }, h("span", {}, "Colour"), choice);
}

// Panels -------------------------------------------------------------------------------------------------------------

interface Panels {
  element: HTMLElement;
  open(name: string): void;
}

function makePanels(state: State, list: HTMLElement, hasGraph: boolean): Panels {
  const { picture } = state;
  const all: [string, string, HTMLElement][] = [];
  if (hasGraph) all.push(["node", "Node", detailsPanel(state)]);
  if (picture.nodes.some(({ kind }) => kind === "input" || kind === "parameter")) all.push(["whatif", "What if", whatIfPanel(state)]);
  if (picture.training) all.push(["training", "Training", trainingPanel(picture.training)]);
  if (hasGraph) all.push(["list", "List", list]);
  const tabs = all.map(([name, label]) => h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}` }, label));
  const panels = all.map(([name, , content]) => h("div", { role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}`, tabindex: 0, class: "panel" }, content));
  const open = (wanted: string): void => all.forEach(([name], i) => {
    const chosen = name === wanted;
    tabs[i]!.setAttribute("aria-selected", String(chosen));
    tabs[i]!.tabIndex = chosen ? 0 : -1;
    panels[i]!.hidden = !chosen;
  });
  tabs.forEach((tab, i) => {
    tab.addEventListener("click", () => open(all[i]![0]));
    tab.addEventListener("keydown", (event) => {
      const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
      if (step === 0) return;
      const next = (i + step + all.length) % all.length;
      open(all[next]![0]);
      tabs[next]!.focus();
      event.preventDefault();
    });
  });
  open(all[0]?.[0] ?? "");
  state.on(["select"], () => {
    if (state.selected !== null && panels.find((_, i) => all[i]![0] === "list")?.hidden !== false) open("node");
  });
  return { element: h("aside", { class: "side", "aria-label": "Details" }, h("div", { class: "tabs", role: "tablist", "aria-label": "Panels" }, ...tabs), ...panels), open };
}

// What the colours mean ----------------------------------------------------------------------------------------------

function legend(state: State): HTMLElement {
  const element = h("div", { class: "legend", role: "note", "aria-label": "What the colours mean" });
  const show = (): void => {
    element.replaceChildren(...(state.mode === "kind" ? kinds(state) : state.mode === "finite" ? strange() : scale(state)));
  };
  state.on(["colour", "values", "fold"], show);
  show();
  return element;
}

function kinds(state: State): HTMLElement[] {
  const found = new Set(state.picture.nodes.map(({ kind }) => kind));
  const parts = (["input", "parameter", "constant", "output"] as const).filter((kind) => found.has(kind))
    .map((kind) => h("span", { class: "key" }, h("i", { class: `swatch kind-${kind}` }), kind));
  if (state.picture.output !== undefined) parts.push(h("span", { class: "key" }, h("i", { class: "swatch arrival" }, "←"), "gradient, from the right"));
  return parts;
}

function strange(): HTMLElement[] {
  return [h("span", { class: "key" }, h("i", { class: "swatch strange" }), "NaN or inf")];
}

function scale(state: State): HTMLElement[] {
  const items = state.picture.nodes.map((_, node) => state.folding.visibleItem(node));
  const [low, high] = state.colours.range(new Set(items), state.mode);
  const bar = h("span", { class: "ramp" });
  const stops = Array.from({ length: 7 }, (_, i) => ramp(i / 6, state.mode, state.theme));
  bar.style.background = `linear-gradient(90deg, ${stops.join(", ")})`;
  return [h("span", { class: "key" }, `${MODES[state.mode]}: `, inWords(low, state.mode), bar, inWords(high, state.mode))];
}
