import {Stored} from "./stored.js";

/** Who reads along is not to tell the server of every single message. */
const TOLD_EVERY = 3_000;

/**
 * How far each room has been read: an account's is kept by the server, for all its devices, a
 * guest's in this browser.
 */
export class ReadMarks {
  /** `{room: [epoch, seq]}` */
  #ours = new Stored("localStorage", "chatroom.read", {});
  #account;
  /** What the server last said. @type {Map<string, number>} */
  #server = new Map();
  /** What it has not been told yet. @type {Map<import("./room.js").Room, number>} */
  #untold = new Map();
  #timer = null;

  /** @param {boolean} account whether we are logged in */
  constructor(account) {
    this.#account = account;
  }

  /** @param {import("./chatroom.js").RoomInfo[]} infos as the server lists them */
  learn(infos) {
    for (const {name, read} of infos) if (read !== undefined) this.#server.set(name, read);
  }

  /**
   * @param {import("./room.js").Room} room
   * @returns {number | undefined} nothing for a room never seen before
   */
  upTo(room) {
    // The server's 0 is a room that nothing was read in yet, most likely for want of looking.
    const seq = this.#account ? this.#server.get(room.name) || undefined : this.#kept(room);
    // What others say to us alone is new to us, also the first time.
    const personal = room.kind === "private" || room.kind === "direct";
    return seq ?? (personal ? 0 : undefined);
  }

  /** @param {import("./room.js").Room} room @param {number} seq */
  mark(room, seq) {
    if (!this.#account) {
      this.#ours.value = {...this.#ours.value, [room.name]: [room.position.epoch, seq]};
      return;
    }
    this.#server.set(room.name, seq);
    this.#untold.set(room, seq);
    if (this.#timer === null) this.flush();
  }

  /** Tells the server what it has not been told yet. */
  flush() {
    clearTimeout(this.#timer);
    this.#timer = this.#untold.size ? setTimeout(() => this.flush(), TOLD_EVERY) : null;
    for (const [room, seq] of this.#untold) {
      if (room.entered) room.read(seq).catch(() => {}); // the next mark says it, too
    }
    this.#untold.clear();
  }

  #kept(room) {
    const [epoch, seq] = this.#ours.value[room.name] ?? [];
    return epoch === room.position.epoch ? seq : undefined;
  }
}
