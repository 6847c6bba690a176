/** What users are called, as far as this page has met them. */
export class Names {
  /** @type {Map<string, string>} */
  #names = new Map();

  /** @param {{id: string, name: string} | null | undefined} user */
  learn(user) {
    if (user) this.#names.set(user.id, user.name);
  }

  /**
   * As the server tells them later: of a guest who has gone it does not know the name.
   * @param {{id: string, name: string, kind?: string}} user
   */
  learnLater(user) {
    if (user.kind !== "guest" || !this.#names.has(user.id)) this.learn(user);
  }

  /** What somebody was called before. @param {{id: string, name: string} | undefined} user */
  learnEarlier(user) {
    if (user && !this.#names.has(user.id)) this.learn(user);
  }

  /** @param {string} id */
  of(id) {
    return this.#names.get(id) ?? (id.startsWith("g") ? "a guest" : id);
  }
}
