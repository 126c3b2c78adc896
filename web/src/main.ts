import "./style.css";
import { type Page, mount } from "./app.ts";
import { h } from "./dom.ts";
import { readPicture } from "./picture.ts";

declare global {
  interface Window {
    /** The page, for tests and for who is curious. */
    pullback?: Page;
  }
}

const root = document.getElementById("page")!;
try {
  window.pullback = mount(root, readPicture(document.getElementById("picture")!.textContent ?? ""));
  requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("pullback-open")));
} catch (error) {
  root.classList.add("pullback");
  root.replaceChildren(h("p", { class: "broken", role: "alert" }, error instanceof Error ? error.message : String(error)));
}
