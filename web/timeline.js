/**
 * @typedef {object} Message
 * @property {"message"} kind
 * @property {number} seq
 * @property {number} at ms since 1970
 * @property {{id: string, name: string}} by
 * @property {string} text
 * @property {string} [key] what its author's client called it
 * @property {number} [edited]
 * @property {boolean} [deleted]
 * @property {Tally[]} reactions what is under it
 * @property {number} asOf the newest event that is counted in them
 *
 * @typedef {{emoji: string, by: string[], count: number}} Tally `by`: ids of some who reacted
 *
 * What happened to the room or to somebody in it: a `member` or `room` event.
 * @typedef {{kind: "happening", seq: number, at: number, event: any}} Happening
 *
 * @typedef {{kind: "notice", at: number, text: string}} Notice
 */

/** Changes of messages not loaded yet are remembered up to this many. */
const STRAYS = 500;

const CHANGES = ["edited", "deleted", "reaction"];

/** What a room's events amount to: its messages as they read now and what happened, oldest first. */
export class Timeline {
  /** @type {(Message | Happening | Notice)[]} */
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
   * @param {number} [asOf] up to where it is told as things are now
   * @returns {Message | Happening | undefined} the item that is new or changed
   */
  apply(event, asOf = event.seq) {
    this.oldest ??= event.seq;
    const item = this.#item(event, Math.max(event.seq, asOf));
    if (item) {
      this.items.push(item);
      return item;
    }
    if (!CHANGES.includes(event.type)) return undefined;
    const message = this.#messages.get(event.target);
    if (message) change(message, event);
    else this.#remember(event);
    return message;
  }

  /**
   * @param {any[]} events from before the oldest known, oldest first
   * @param {number} [asOf] up to where they are told as things are now
   * @returns {number} how many items they are
   */
  prepend(events, asOf = 0) {
    // The log has told the later changes into the text already, except those that came since.
    const items = events.map((event) => this.#item(event, asOf)).filter(Boolean);
    for (const item of items) {
      for (const stray of this.#strays.get(item.seq) ?? []) change(item, stray);
      this.#strays.delete(item.seq);
    }
    this.items.unshift(...items);
    this.oldest = events[0]?.seq ?? 1;
    return items.length;
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

  /** What an event adds to what is shown, if it does. */
  #item(event, asOf) {
    const {type, seq, at} = event;
    if (type === "message") return this.#message(event, asOf);
    return type === "member" || type === "room" ? {kind: "happening", seq, at, event} : undefined;
  }

  #message({seq, at, by, text, key, edited, deleted, reactions = []}, asOf) {
    const message = {kind: "message", seq, at, by, text, key, edited, deleted, reactions, asOf};
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
function change(message, event) {
  const {type, at, text} = event;
  if (message.deleted) return;
  if (type === "reaction") {
    if (event.seq > message.asOf) message.reactions = tallied(message.reactions, event);
  } else if ((message.edited ?? 0) > at) return;
  else if (type === "deleted") Object.assign(message, {deleted: true, text: "", reactions: []});
  else Object.assign(message, {text, edited: at});
}

/** What is under a message after somebody has put something there, or taken it away. */
function tallied(tallies, {emoji, on, by: {id}}) {
  const before = tallies.find((tally) => tally.emoji === emoji) ?? {emoji, by: [], count: 0};
  const there = before.by.includes(id);
  // Of those who are not named, nobody knows whether they are counted.
  if (on ? there : !there && before.count === before.by.length) return tallies;
  const by = on ? [...before.by, id] : before.by.filter((one) => one !== id);
  const now = {emoji, by, count: before.count + (on ? 1 : -1)};
  if (!tallies.includes(before)) return [...tallies, now];
  return tallies.map((tally) => (tally === before ? now : tally)).filter(({count}) => count > 0);
}
