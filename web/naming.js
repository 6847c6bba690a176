import {byId} from "./element.js";

/** Asks for a name. */
export class Naming {
  #dialog = byId("naming");
  #name = byId("name");
  #error = byId("name-error");
  #chosen;
  #kept;

  /**
   * @param {object} act
   * @param {(name: string) => void} act.chosen
   * @param {() => void} act.kept the person would rather stay who they were
   */
  constructor({chosen, kept}) {
    this.#chosen = chosen;
    this.#kept = kept;
    this.#dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    byId("keep-name").addEventListener("click", () => this.#keep());
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault(); // without a name there is nothing behind the dialog
      if (!byId("keep-name").hidden) this.#keep();
    });
    this.#name.addEventListener("input", () => this.#complain(""));
  }

  /** @param {{suggestion?: string, error?: string, mayKeep?: boolean}} [how] */
  ask({suggestion = "", error = "", mayKeep = false} = {}) {
    byId("keep-name").hidden = !mayKeep;
    byId("naming-title").textContent = mayKeep ? "Change your name" : "Pick a name and talk";
    this.#name.value = suggestion;
    this.#complain(error);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#name.select();
  }

  #submit() {
    const name = this.#name.value.trim();
    if (!name) {
      this.#complain("A name is needed, any name.");
      return;
    }
    this.#dialog.close();
    this.#chosen(name);
  }

  #keep() {
    this.#dialog.close();
    this.#kept();
  }

  #complain(error) {
    this.#error.textContent = error;
    this.#name.setAttribute("aria-invalid", String(Boolean(error)));
  }
}
