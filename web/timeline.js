/**
 * @typedef {object} Message
 * @property {"message"} kind
 * @property {number} seq
 * @property {number} at ms since 1970
 * @property {{id: string, name: string}} by
 * @property {string} text
 * @property {number} [edited]
 * @property {boolean} [deleted]
 *
 * @typedef {{kind: "notice", at: number, text: string}} Notice
 */

/** Edits and deletions of messages not loaded yet are remembered up to this many. */
const STRAYS = 500;

/** What a room's events amount to: its messages as they read now, oldest first. */
export class Timeline {
  /** @type {(Message | Notice)[]} */
  items = [];
  /** The first event known; what is before it may be asked for. @type {number | null} */
  oldest = null;
  #messages = new Map();
  #strays = new Map();

  /** Whether the log may hold something older. */
  get hasOlder() {
    return this.oldest !== null && this.oldest > 1;
  }

  /** Nothing older is kept. */
  endsHere() {
    this.oldest = 1;
  }

  /**
   * @param {any} event the next one of the log
   * @returns {Message | undefined} the message that is new or changed
   */
  apply(event) {
    this.oldest ??= event.seq;
    if (event.type === "message") {
      const message = this.#message(event);
      this.items.push(message);
      return message;
    }
    if (event.type !== "edited" && event.type !== "deleted") return undefined;
    const message = this.#messages.get(event.target);
    if (message) change(message, event);
    else this.#remember(event);
    return message;
  }

  /**
   * @param {any[]} events from before the oldest known, oldest first
   * @returns {number} how many messages were among them
   */
  prepend(events) {
    // The log has told the later changes into the text already, except those that came since.
    const told = events.filter(({type}) => type === "message");
    const messages = told.map((event) => this.#message(event));
    for (const message of messages) {
      for (const stray of this.#strays.get(message.seq) ?? []) change(message, stray);
      this.#strays.delete(message.seq);
    }
    this.items.unshift(...messages);
    this.oldest = events[0]?.seq ?? 1;
    return messages.length;
  }

  /**
   * A word from the server, which is in no log.
   * @param {string} text
   * @param {number} at
   */
  notice(text, at) {
    this.items.push({kind: "notice", text, at});
  }

  clear() {
    this.items = [];
    this.oldest = null;
    this.#messages.clear();
    this.#strays.clear();
  }

  /** @param {number} seq @returns {Message | undefined} */
  message(seq) {
    return this.#messages.get(seq);
  }

  /**
   * Forgets the oldest items down to `count`; they can be asked for again.
   * @param {number} count
   */
  shorten(count) {
    const dropped = this.items.splice(0, Math.max(0, this.items.length - count));
    for (const {seq} of dropped) this.#messages.delete(seq);
    if (dropped.length) this.oldest = this.items.find(({seq}) => seq)?.seq ?? this.oldest;
    return dropped.length;
  }

  #message({seq, at, by, text, edited, deleted}) {
    const message = {kind: "message", seq, at, by, text, edited, deleted};
    this.#messages.set(seq, message);
    return message;
  }

  #remember(event) {
    const strays = this.#strays.get(event.target) ?? [];
    this.#strays.set(event.target, [...strays, event]);
    if (this.#strays.size > STRAYS) this.#strays.delete(this.#strays.keys().next().value);
  }
}

/** The log gives a message as it reads now, then the edits that made it so: they change nothing. */
function change(message, {type, at, text}) {
  if (message.deleted || (message.edited ?? 0) > at) return;
  if (type === "deleted") Object.assign(message, {deleted: true, text: ""});
  else Object.assign(message, {text, edited: at});
}
