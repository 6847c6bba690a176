import {Stored} from "./stored.js";

/**
 * Who this tab is, for guests. The browser keeps a token for each name, so a second tab that picks
 * the same name is the same person on another screen; a tab keeps its name through a reload.
 */
export class Identity {
  #name = new Stored("sessionStorage", "chatroom.name", null);
  #lastName = new Stored("localStorage", "chatroom.lastName", "");
  #tokens = new Stored("localStorage", "chatroom.tokens", {});

  /** @type {string | null} */
  get name() {
    return this.#name.value;
  }

  /** What to suggest in a new tab. @type {string} */
  get lastName() {
    return this.#lastName.value;
  }

  /** @param {string} name as it is or was typed */
  credentials(name) {
    return {name, token: this.#tokens.value[keyOf(name)]};
  }

  /**
   * The server knows us by this name now.
   * @param {string} name
   * @param {string} [token]
   */
  keep(name, token) {
    this.#name.value = name;
    this.#lastName.value = name;
    if (token) this.#tokens.value = {...this.#tokens.value, [keyOf(name)]: token};
  }

  /** This tab is that guest no more. */
  forget() {
    this.#name.value = null;
  }

  /** @param {string} name */
  forgetToken(name) {
    const {[keyOf(name)]: _, ...others} = this.#tokens.value;
    this.#tokens.value = others;
  }
}

/** The prefix keeps names like __proto__ from being more than names. */
const keyOf = (name) => `name:${name.toLowerCase()}`;
