/**
 * A value in the browser's storage, as JSON. Where storage is full or forbidden it lasts as long as
 * the page.
 */
export class Stored {
  #storage;
  #key;
  #value;

  /**
   * @param {"localStorage" | "sessionStorage"} storage
   * @param {string} key
   * @param {any} fallback
   */
  constructor(storage, key, fallback) {
    this.#key = key;
    this.#value = fallback;
    try {
      this.#storage = globalThis[storage];
    } catch {
      // Reading the property alone throws where the person has forbidden storage.
    }
  }

  get value() {
    try {
      const text = this.#storage?.getItem(this.#key);
      return text ? JSON.parse(text) : this.#value;
    } catch {
      return this.#value;
    }
  }

  set value(value) {
    this.#value = value;
    try {
      this.#storage?.setItem(this.#key, JSON.stringify(value));
    } catch {
      // It is in #value.
    }
  }
}
