const TYPING_LASTS = 6_000;
/** Not all ask at the same moment who is left in a room that was large. */
const ASKED_WITHIN = 2_000;

/**
 * @typedef {{id: string, name: string, kind?: string}} User
 */

/** Who is in a room, and who of them is writing. */
export class RoomPeople {
  /** How many are there. `members` may hold fewer in a large room. */
  count = 0;
  /** @type {Map<string, User>} */
  members = new Map();
  #typers = new Map();
  #changed;
  #ask;
  /** Whether all who are there are on the list, as far as is known. */
  #whole = true;
  #asking;

  /**
   * @param {(what: "members" | "typing") => void} changed
   * @param {() => void} ask for all who are there
   */
  constructor(changed, ask) {
    this.#changed = changed;
    this.#ask = ask;
  }

  /** Who is writing now. @type {User[]} */
  get typers() {
    return [...this.#typers.values()].map(({user}) => user);
  }

  /** @param {{members: User[], count?: number}} all as the server tells them */
  take({members, count}) {
    this.members = new Map(members.map((user) => [user.id, user]));
    this.count = count ?? members.length;
    this.#whole = members.length === this.count;
    clearTimeout(this.#asking);
    this.#asking = undefined;
    this.#changed("members");
  }

  /** @param {{user?: User, state?: string, count?: number}} presence */
  present({user, state, count}) {
    // People are named again: the room is no large one any more.
    if (user && !this.#whole) this.#askSoon();
    if (user && state === "offline") {
      this.stoppedTyping(user.id);
      // Who goes may be one of those who are not on the list.
      if (this.members.delete(user.id) || !this.#whole) this.count--;
    } else if (user) {
      if (!this.members.has(user.id)) this.count++;
      this.members.set(user.id, user);
    }
    if (count !== undefined) {
      this.count = count;
      this.#whole = false;
    }
    this.#changed("members");
  }

  #askSoon() {
    this.#asking ??= setTimeout(() => {
      this.#asking = undefined;
      this.#ask();
    }, Math.random() * ASKED_WITHIN);
  }

  /** @param {{user: User, on: boolean}} typing */
  typing({user, on}) {
    clearTimeout(this.#typers.get(user.id)?.timer);
    if (!on) {
      this.stoppedTyping(user.id);
      return;
    }
    const timer = setTimeout(() => this.stoppedTyping(user.id), TYPING_LASTS);
    this.#typers.set(user.id, {user, timer});
    this.#changed("typing");
  }

  /** @param {string} [id] of a user; everybody without one */
  stoppedTyping(id) {
    const ids = id === undefined ? [...this.#typers.keys()] : [id];
    const stopped = ids.filter((each) => this.#typers.has(each));
    for (const each of stopped) {
      clearTimeout(this.#typers.get(each).timer);
      this.#typers.delete(each);
    }
    if (stopped.length) this.#changed("typing");
  }
}
