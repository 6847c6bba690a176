import {byId} from "./element.js";

const SIDES = ["rooms", "people"];

/** The panels at the sides, where the screen has no room for them: one at a time, over the rest. */
export class Drawers {
  #opener = null;

  constructor() {
    document.addEventListener("click", ({target}) => {
      const opener = target.closest("[data-opens]");
      if (opener) this.#toggle(opener);
      else if (target.closest("[data-closes]")) this.close();
    });
    document.addEventListener("keydown", ({key}) => {
      // What is over the panel goes first.
      if (key === "Escape" && !document.querySelector("dialog[open], :popover-open")) this.close();
    });
    // A screen that has become wide shows the panels beside the conversation.
    for (const width of ["719px", "1023px"]) {
      matchMedia(`(max-width: ${width})`).addEventListener("change", () => this.#show(null));
    }
  }

  close() {
    const opener = this.#opener;
    this.#show(null);
    if (opener?.checkVisibility()) opener.focus();
  }

  #toggle(opener) {
    if (this.#opener === opener) {
      this.close();
      return;
    }
    this.#show(opener);
    byId(opener.dataset.opens).querySelector(".close").focus();
  }

  #show(opener) {
    this.#opener?.setAttribute("aria-expanded", "false");
    this.#opener = opener;
    opener?.setAttribute("aria-expanded", "true");
    for (const side of SIDES) byId(side).classList.toggle("open", opener?.dataset.opens === side);
    document.querySelector("main").inert = Boolean(opener);
    document.querySelector(".backdrop").classList.toggle("open", Boolean(opener));
  }
}
