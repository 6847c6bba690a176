import {Emitter} from "./emitter.js";
import {Names} from "./names.js";
import {Timeline} from "./timeline.js";
import {counted, listed} from "./words.js";

const PAGE = 100;
/** Messages of a room kept in memory; older ones are fetched again when somebody scrolls there. */
const MOST = 12_000;
const KEPT = 10_000;
const SETTLED = ["live", "refused", "put out", "left"];
/** To find one message far back, so many events are fetched at a time. */
const LEAP = 500;

/**
 * A room as the page holds it: its messages, what is unread, what is being written, what is unsent.
 * Emits `change` (with the message that changed, if it is one), `prepended` and `shortened` (with
 * how many), `reset`.
 *
 * @typedef {import("./timeline.js").Tally} Tally
 */
export class OpenRoom extends Emitter {
  timeline = new Timeline();
  draft = "";
  /** What the room is called here. */
  title = "";
  unread = 0;
  #chat;
  #marks;
  #readUpTo;
  #unsent;
  #names = new Names();
  #older = null;
  /** Whom we have seen muted, and until when. @type {Map<string, number>} */
  #muted = new Map();

  /**
   * @param {import("./room.js").Room} room
   * @param {import("./chatroom.js").Chatroom} chat
   * @param {import("./readmarks.js").ReadMarks} marks
   */
  constructor(room, chat, marks) {
    super();
    this.room = room;
    this.title = room.name;
    this.#chat = chat;
    this.#marks = marks;
    this.#unsent = room.unsent;
    room.on("event", (event) => this.#apply(event));
    room.on("reset", () => this.#reset());
    room.on("unsent", (item) => this.#onItsWay(item));
    room.on("state", () => this.#entered());
    room.on("read", ({seq}) => this.readUpTo(seq));
    room.on("notice", ({text}) => {
      this.timeline.notice(text, Date.now());
      this.emit("change");
    });
  }

  /** Who we are here. */
  get us() {
    return this.#chat.user ?? {id: "", name: ""};
  }

  /** @param {{by: {id: string}}} message */
  isOurs(message) {
    return message.by.id === this.us.id;
  }

  /** Whether older messages are on their way. */
  get loading() {
    return this.#older !== null;
  }

  /** Posts that are not in the timeline yet, in their order. */
  get pending() {
    return this.#alive().filter(({op}) => op === "post");
  }

  /** Whether a message is ours, and the edit or deletion of it that is on its way. */
  about(message) {
    const change = this.#alive().findLast(
      ({op, fields}) => op !== "post" && fields.seq === message.seq,
    );
    return {ours: this.isOurs(message), change};
  }

  /** Who has put something under a message, as far as they are named. @param {Tally} tally */
  whoReacted({by, count}) {
    const names = by.map((id) => (id === this.us.id ? "You" : this.#names.of(id)));
    names.sort((one, two) => (two === "You") - (one === "You"));
    const others = count - by.length;
    return listed(others > 0 ? [...names, counted(others, "other")] : names);
  }

  /** Our newest message that can still be changed. */
  get lastOwn() {
    return this.timeline.items.findLast(
      (item) => item.kind === "message" && !item.deleted && this.isOurs(item),
    );
  }

  /** Whether somebody may only listen here, as far as we have seen. @param {string} id */
  isMuted(id) {
    return (this.#muted.get(id) ?? 0) > this.#chat.now();
  }

  /** Everything so far has been seen. */
  markRead() {
    const {since} = this.room.position;
    if (since === null || since === this.#readUpTo) return;
    this.#readUpTo = since;
    this.#marks.mark(this.room, since);
    this.#count();
  }

  /** We have read so far on another device. @param {number | undefined} seq */
  readUpTo(seq) {
    if (!(seq > this.#readUpTo)) return;
    this.#readUpTo = seq;
    this.#count();
  }

  /**
   * Goes back until message `seq` is known.
   * @param {number} seq
   * @returns {Promise<import("./timeline.js").Message | undefined>} nothing where there is none
   */
  async find(seq) {
    await this.#settled();
    while (!this.timeline.message(seq) && this.timeline.hasOlder && seq < this.timeline.oldest) {
      const before = this.timeline.oldest;
      await this.loadOlder(LEAP);
      if (this.timeline.oldest === before) break; // not connected any more
    }
    return this.timeline.message(seq);
  }

  /** Until we are in the room, or know that we shall not be. */
  #settled() {
    return new Promise((resolve) => {
      const look = () => SETTLED.includes(this.room.state) && resolve(stop());
      const stop = this.room.on("state", look);
      look();
    });
  }

  /** Brings in what is before the oldest known. @returns {Promise<void>} also where there is none */
  loadOlder(limit = PAGE) {
    if (!this.timeline.hasOlder || !this.room.entered) return Promise.resolve();
    this.#older ??= this.#load(limit).finally(() => (this.#older = null));
    return this.#older;
  }

  async #load(limit) {
    try {
      let found = 0;
      while (!found && this.timeline.hasOlder) {
        const before = this.timeline.oldest;
        const {since} = this.room.position;
        const {events, more} = await this.room.history({before, limit});
        if (this.timeline.oldest !== before) break; // began anew meanwhile
        for (const {by} of events) this.#names.learnEarlier(by);
        found = this.timeline.prepend(events, since);
        if (!more) this.timeline.endsHere();
      }
      this.emit("prepended", found);
    } catch {
      // Not connected any more, most likely; scrolling asks again.
    }
  }

  #apply(event) {
    this.#names.learn(event.by);
    const item = this.timeline.apply(event, this.room.enteredAt);
    this.#startReading();
    if (event.type === "member") this.#note(event);
    if (this.timeline.items.length > MOST) this.emit("shortened", this.timeline.shorten(KEPT));
    this.#count();
    this.emit("change", item);
  }

  #note({user, change, until}) {
    if (change === "muted") this.#muted.set(user.id, until ?? Infinity);
    if (change === "unmuted") this.#muted.delete(user.id);
  }

  /** What others have said since. */
  #count() {
    const {items} = this.timeline;
    let unread = 0;
    for (let index = items.length - 1; index >= 0; index--) {
      const item = items[index];
      if (item.seq <= this.#readUpTo) break;
      if (item.kind === "message" && !item.deleted && !this.isOurs(item)) unread++;
    }
    if (unread === this.unread) return;
    this.unread = unread;
    this.emit("change");
  }

  /** Where the last visit stopped; a room never seen before has nothing unread. */
  #startReading() {
    if (this.#readUpTo === undefined) this.#readUpTo = this.#marks.upTo(this.room) ?? Infinity;
  }

  #entered() {
    if (this.room.state === "live") {
      this.#startReading();
      if (this.#readUpTo === Infinity) this.markRead();
    }
    this.emit("change");
  }

  #reset() {
    this.timeline.clear();
    this.#muted.clear();
    this.unread = 0;
    this.#readUpTo = undefined;
    this.#unsent = this.#unsent.filter(({state}) => state !== "sent");
    this.emit("reset");
  }

  #onItsWay(item) {
    if (!this.#unsent.includes(item)) this.#unsent.push(item);
    this.emit("change", item.op === "post" ? item : this.timeline.message(item.fields.seq));
  }

  /** What is acknowledged is shown as pending until its event has come, so that it never blinks. */
  #alive() {
    const {since} = this.room.position;
    this.#unsent = this.#unsent.filter(
      ({state, receipt}) => state !== "discarded" && (state !== "sent" || receipt.seq > since),
    );
    return this.#unsent;
  }
}
