import {Emitter} from "./emitter.js";
import {Stored} from "./stored.js";
import {Timeline} from "./timeline.js";

const PAGE = 100;
/** Messages of a room kept in memory; older ones are fetched again when somebody scrolls there. */
const MOST = 12_000;
const KEPT = 10_000;

/** How far each room has been read, for the next visit: `{room: [epoch, seq]}`. */
const read = new Stored("localStorage", "chatroom.read", {});

/**
 * A room as the page holds it: its messages, what is unread, what is being written, what is unsent.
 * Emits `change` (with the message that changed, if it is one), `prepended` and `shortened` (with
 * how many), `reset`.
 */
export class OpenRoom extends Emitter {
  timeline = new Timeline();
  draft = "";
  unread = 0;
  loading = false;
  #chat;
  #readUpTo;
  #unsent;

  /**
   * @param {import("./room.js").Room} room
   * @param {import("./chatroom.js").Chatroom} chat
   */
  constructor(room, chat) {
    super();
    this.room = room;
    this.#chat = chat;
    this.#unsent = room.unsent;
    room.on("event", (event) => this.#apply(event));
    room.on("reset", () => this.#reset());
    room.on("unsent", (item) => this.#onItsWay(item));
    room.on("state", () => this.#entered());
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

  /** Our newest message that can still be changed. */
  get lastOwn() {
    return this.timeline.items.findLast(
      (item) => item.kind === "message" && !item.deleted && this.isOurs(item),
    );
  }

  /** Everything so far has been seen. */
  markRead() {
    const {since, epoch} = this.room.position;
    if (since === null || since === this.#readUpTo) return;
    this.#readUpTo = since;
    read.value = {...read.value, [this.room.name]: [epoch, since]};
    if (!this.unread) return;
    this.unread = 0;
    this.emit("change");
  }

  async loadOlder() {
    if (this.loading || !this.timeline.hasOlder || !this.room.entered) return;
    this.loading = true;
    try {
      let found = 0;
      while (!found && this.timeline.hasOlder) {
        const before = this.timeline.oldest;
        const {events, more} = await this.room.history({before, limit: PAGE});
        if (this.timeline.oldest !== before) break; // began anew meanwhile
        found = this.timeline.prepend(events);
        if (!more) this.timeline.endsHere();
      }
      this.emit("prepended", found);
    } catch {
      // Not connected any more, most likely; scrolling asks again.
    } finally {
      this.loading = false;
    }
  }

  #apply(event) {
    const message = this.timeline.apply(event);
    this.#startReading();
    if (event.type === "message" && this.#isUnread(event)) this.unread++;
    if (event.type === "deleted") this.#takeBackUnread(event);
    if (this.timeline.items.length > MOST) this.emit("shortened", this.timeline.shorten(KEPT));
    this.emit("change", message);
  }

  #takeBackUnread({target}) {
    const message = this.timeline.message(target);
    if (message && this.unread && this.#isUnread(message)) this.unread--;
  }

  #isUnread(message) {
    return message.seq > this.#readUpTo && !this.isOurs(message);
  }

  /** Where the last visit stopped; a room never seen before has nothing unread. */
  #startReading() {
    if (this.#readUpTo !== undefined) return;
    const [epoch, seq] = read.value[this.room.name] ?? [];
    this.#readUpTo = epoch === this.room.position.epoch ? seq : Infinity;
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
