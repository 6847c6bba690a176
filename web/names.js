/** What users are called, as far as this page has met them. */
export class Names {
  /** @type {Map<string, string>} */
  #names = new Map();

  /** @param {{id: string, name: string} | null | undefined} user */
  learn(user) {
    if (user) this.#names.set(user.id, user.name);
  }

  /** @param {string} id */
  of(id) {
    return this.#names.get(id) ?? (id.startsWith("g") ? "a guest" : id);
  }
}
