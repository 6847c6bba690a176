import {ChatroomError} from "./errors.js";
import {Emitter} from "./emitter.js";

/**
 * - `waiting`: for the connection, for its turn, or for a server that asked for patience
 * - `sending`: sent, the server's answer not there yet
 * - `sent`: acknowledged, so on the server's disk
 * - `failed`: refused; `error` says why. `retry()` or `discard()` it.
 * - `discarded`
 * @typedef {"waiting" | "sending" | "sent" | "failed" | "discarded"} UnsentState
 *
 * @typedef {{room: string, seq: number, at: number}} Receipt
 *
 * What was written, as it is stored; `place` is its place in the order.
 * @typedef {object} Writing
 * @property {"post" | "edit" | "delete"} op
 * @property {string} room empty: to the user `fields.to`
 * @property {string} key
 * @property {number} at ms since 1970
 * @property {number} place
 * @property {{text?: string, seq?: number, to?: string, reply_to?: number, data?: object}} fields
 */

/**
 * A post, an edit or a deletion on its way. Can be awaited: gives the server's receipt once it is
 * acknowledged, fails with a ChatroomError when it is refused or discarded.
 */
export class Unsent {
  /** @type {UnsentState} */
  state = "waiting";
  /** @type {ChatroomError | null} */
  error = null;
  /** @type {Receipt | null} */
  receipt = null;
  /** Sitting out a `retry_after`. */
  paused = false;
  #outbox;
  #promise;
  #settle;

  /**
   * @param {Outbox} outbox
   * @param {Writing} written
   */
  constructor(outbox, written) {
    this.#outbox = outbox;
    this.op = written.op;
    this.room = written.room;
    this.key = written.key;
    this.at = written.at;
    this.fields = written.fields;
    this.renew();
  }

  /** Tries a failed one again, with the same key. */
  retry() {
    if (this.state === "failed") this.#outbox.retry(this);
  }

  /** Gives one up that is not being sent. (If a lost connection took it along, it may be there.) */
  discard() {
    if (this.state === "failed" || this.state === "waiting") this.#outbox.discard(this);
  }

  then(fulfilled, rejected) {
    return this.#promise.then(fulfilled, rejected);
  }

  catch(rejected) {
    return this.#promise.catch(rejected);
  }

  /** For the outbox: a fresh promise, for the first try and after `retry()`. */
  renew() {
    this.#promise = new Promise((resolve, reject) => (this.#settle = {resolve, reject}));
    this.#promise.catch(() => {}); // who does not wait for it sees the state
  }

  /** For the outbox. */
  settle() {
    if (this.error) this.#settle.reject(this.error);
    else this.#settle.resolve(this.receipt);
  }
}

/**
 * What is written and not acknowledged yet. Each room's are sent one after the other, so that they
 * stay in the order they were written in even when one of them has to be sent again; the keys make
 * sending again safe. Emits `change` with the Unsent whose state changed.
 */
export class Outbox extends Emitter {
  /** @type {Unsent[]} */
  #items = [];
  #send;
  #ready;
  #storage;
  #storageKey;
  #lastPlace = 0;

  /**
   * @param {object} how
   * @param {(item: Unsent) => Promise<Receipt>} how.send
   * @param {(room: string) => boolean} how.ready whether the room can be posted to now
   * @param {Storage} [how.storage] where they survive a reload
   * @param {string} [how.storageKey]
   */
  constructor({send, ready, storage, storageKey = "chatroom.outbox"}) {
    super();
    this.#send = send;
    this.#ready = ready;
    this.#storage = storage;
    this.#storageKey = storageKey;
    this.#restore();
  }

  /** In the order they were written. */
  get items() {
    return [...this.#items];
  }

  /** @returns {Unsent} */
  add(op, room, fields) {
    const place = ++this.#lastPlace;
    const written = {op, room, fields, place, key: newKey(), at: Date.now()};
    const item = new Unsent(this, written);
    this.#items.push(item);
    this.#store(written);
    this.#changed(item);
    this.pump();
    return item;
  }

  /** Sends what may be sent now. */
  pump() {
    const taken = new Set();
    for (const item of this.#items.filter(({state}) => state !== "failed")) {
      if (taken.has(item.room)) continue;
      taken.add(item.room);
      if (item.state === "waiting" && !item.paused && this.#ready(item.room)) this.#dispatch(item);
    }
  }

  /**
   * The room's log holds a post with this key: acknowledged, whether or not the reply came through.
   * @param {string} key
   * @param {Receipt} receipt
   */
  acknowledge(key, receipt) {
    const item = this.#items.find((each) => each.key === key);
    if (item) this.#sent(item, receipt);
  }

  /**
   * The server calls a room by another name than we did.
   * @param {string} asked
   * @param {string} name
   */
  rename(asked, name) {
    for (const item of this.#items) if (item.room === asked) item.room = name;
  }

  /** @param {Unsent} item */
  retry(item) {
    item.error = null;
    item.state = "waiting";
    item.renew();
    this.#changed(item);
    this.pump();
  }

  /** @param {Unsent} item */
  discard(item) {
    const rejected = item.state === "failed";
    this.#remove(item);
    item.state = "discarded";
    item.error ??= new ChatroomError("discarded");
    this.#changed(item);
    if (!rejected) item.settle();
    this.pump();
  }

  async #dispatch(item) {
    item.state = "sending";
    this.#changed(item);
    try {
      this.#sent(item, await this.#send(item));
    } catch (error) {
      if (item.state === "sending") this.#unsent(item, error);
    }
    this.pump();
  }

  #sent(item, {room, seq, at}) {
    if (item.state === "sent") return;
    this.#remove(item);
    item.state = "sent";
    item.error = null;
    item.receipt = {room, seq, at};
    this.#changed(item);
    item.settle();
    this.pump();
  }

  #unsent(item, error) {
    // A message that made the server hang up would do so again at every reconnect.
    const poison = error.closeCode === 1009;
    if (!error.temporary || poison) {
      item.state = "failed";
      item.error = poison ? new ChatroomError("too_long", "the message is too long") : error;
      this.#changed(item);
      item.settle();
      return;
    }
    item.state = "waiting";
    if (error.code !== "disconnected") this.#pause(item, error.retryAfter ?? 1);
    this.#changed(item);
  }

  #pause(item, seconds) {
    item.paused = true;
    setTimeout(() => {
      item.paused = false;
      this.pump();
    }, seconds * 1000);
  }

  #remove(item) {
    this.#items = this.#items.filter((each) => each !== item);
    this.#unstore(item);
  }

  #changed(item) {
    this.emit("change", item);
  }

  /** Each under a key of its own: a long outbox is not written anew for every message. */
  #store(written) {
    try {
      this.#storage?.setItem(`${this.#storageKey}.${written.key}`, JSON.stringify(written));
    } catch {
      // Full or forbidden: it is still here, only a reload would lose it.
    }
  }

  #unstore({key}) {
    this.#storage?.removeItem(`${this.#storageKey}.${key}`);
  }

  #restore() {
    const storage = this.#storage;
    if (!storage) return;
    const names = Array.from({length: storage.length}, (_, index) => storage.key(index) ?? "");
    const written = names
      .filter((name) => name.startsWith(`${this.#storageKey}.`))
      .map((name) => parse(storage.getItem(name)))
      .filter((each) => each?.fields && each.key && typeof each.room === "string")
      .sort((one, other) => one.place - other.place);
    this.#items = written.map((each) => new Unsent(this, each));
    this.#lastPlace = written.at(-1)?.place ?? 0;
  }
}

function parse(text) {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return null; // not written by us
  }
}

/** 128 random bits: the same post sent again is recognised by it. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
