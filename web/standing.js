/**
 * What keeps us from speaking in a room for now, as far as this side has heard: being muted, and
 * the room's slow mode. Times are the server's, in ms since 1970.
 *
 * @typedef {{until: number | null, reason: string}} Mute `until` null: for good
 */
export class Standing {
  /** When slow mode lets us post again. */
  nextPostAt = 0;
  /** @type {Mute | null} */
  #mute = null;
  #now;

  /** @param {() => number} now the server's time */
  constructor(now) {
    this.#now = now;
  }

  /** @type {Mute | null} */
  get muted() {
    const {until} = this.#mute ?? {};
    return until && until <= this.#now() ? null : this.#mute;
  }

  /**
   * A `member` event about us.
   * @param {{change: string, until?: number, reason?: string}} event
   * @returns {boolean} whether anything changed
   */
  told({change, until, reason}) {
    if (change === "muted") this.#mute = {until: until ?? null, reason: reason ?? ""};
    else if (change === "unmuted") this.#mute = null;
    else return false;
    return true;
  }

  /**
   * The server would not take a post, or that we are writing.
   * @param {import("./errors.js").ChatroomError} error
   * @param {number} slow the room's, in seconds
   * @returns {boolean} whether anything changed
   */
  refused({code, retryAfter, message}, slow) {
    const until = retryAfter === undefined ? null : this.#now() + retryAfter * 1000;
    if (code === "muted") {
      // The event that said so knows best; a mute on the whole server has none.
      this.#mute = this.muted ?? {until, reason: reasonIn(message)};
    } else if (code === "rate_limited" && slow && until) this.nextPostAt = until;
    else return false;
    return true;
  }

  /**
   * A post was taken.
   * @param {number} slow the room's, in seconds
   * @returns {boolean} whether anything changed
   */
  posted(slow) {
    const changed = Boolean(this.#mute) || slow > 0;
    this.#mute = null;
    if (slow > 0) this.nextPostAt = this.#now() + slow * 1000;
    return changed;
  }
}

/** The server says what, then why. */
const reasonIn = (message) => message.match(/: (.*)/s)?.[1] ?? "";
