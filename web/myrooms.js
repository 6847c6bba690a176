import {Emitter} from "./emitter.js";
import {OpenRoom} from "./openroom.js";
import {ReadMarks} from "./readmarks.js";
import {roleIn} from "./roles.js";
import {Stored} from "./stored.js";

/** So many rooms are remembered, and so many are entered without being asked for. */
const MOST = 50;

/** So soon after a change every part of the server goes by it, in ms. */
const LATER = 1_500;

/**
 * @typedef {object} Entry a line of the list of rooms
 * @property {string} name
 * @property {string} title
 * @property {string} kind
 * @property {number} unread
 * @property {number} [there] how many people are in it
 * @property {boolean} current
 * @property {boolean} [leavable]
 * @property {import("./roompeople.js").User} [other]
 */

/**
 * The rooms we have open, and those the server lists. What is said to us alone, in private and
 * direct rooms, is opened without being asked for. Emits `change`, `opened` with an OpenRoom, and
 * `gone` with the name of one that is open no more.
 */
export class MyRooms extends Emitter {
  #chat;
  #marks;
  /** @type {Map<import("./room.js").Room, OpenRoom>} */
  #opens = new Map();
  /** @type {Map<string, import("./chatroom.js").RoomInfo>} */
  #infos = new Map();
  #remembered;
  /** Conversations put away, and up to where: `{room: head}`. */
  #hidden;
  #fresh;

  /**
   * @param {import("./chatroom.js").Chatroom} chat
   * @param {import("./accountdoor.js").AccountInfo | null} account
   */
  constructor(chat, account) {
    super();
    this.#chat = chat;
    this.#marks = new ReadMarks(account !== null);
    const whose = account ? `.${account.id}` : "";
    this.#remembered = new Stored("localStorage", `chatroom.rooms${whose}`, null);
    this.#hidden = new Stored("localStorage", `chatroom.hidden${whose}`, {});
    this.#fresh = account !== null && this.#remembered.value === null;
    chat.on("message", ({room}) => this.#heardFrom(room));
    chat.on("member", () => this.#refreshLater());
  }

  /** @returns {IterableIterator<OpenRoom>} */
  get opens() {
    return this.#opens.values();
  }

  get size() {
    return this.#opens.size;
  }

  /** What is unread in all of them together. */
  get unread() {
    return this.#entries().reduce((sum, {unread}) => sum + unread, 0);
  }

  /** Opens the rooms of the last visit, and those something is still to be sent to. */
  restore() {
    const unsent = this.#chat.unsent.map(({room}) => room).filter(Boolean);
    const names = [...this.#remembered.value ?? [], ...unsent];
    for (const name of names) this.open(name);
    return names[0];
  }

  /** Opens a room, without showing it. @param {string} name */
  open(name) {
    const room = this.#chat.join(name);
    const known = this.#opens.get(room);
    if (known) return known;
    const open = new OpenRoom(room, this.#chat, this.#marks);
    this.#opens.set(room, open);
    this.#call(open);
    open.on("change", () => this.emit("change"));
    room.on("about", () => this.emit("change"));
    room.on("member", (event) => this.#placeChanged(room, event));
    room.on("state", (state) => {
      if (state === "live") this.#remember();
    });
    this.emit("opened", open);
    return open;
  }

  /** @param {string} name */
  find(name) {
    return [...this.#opens.values()].find(({room}) => room.name === name);
  }

  /** Leaves a room; a conversation with one person is put away until there is something new. */
  leave(name) {
    if (kindOf(name) === "direct") this.#putAway(name);
    this.drop(name);
  }

  /** The list may be older than what was said there since: that is no reason to bring it back. */
  #putAway(name) {
    const heads = [this.#infos.get(name)?.head, this.find(name)?.room.position.since];
    this.#hidden.value = {...this.#hidden.value, [name]: Math.max(...heads.map((head) => head ?? 0))};
    this.emit("change");
  }

  /** Leaves a room that is no longer ours. @param {string} name */
  drop(name) {
    const open = this.find(name);
    if (!open) return;
    this.#opens.delete(open.room);
    for (const item of open.room.unsent) item.discard();
    open.room.leave();
    this.#remember();
    this.emit("gone", name);
    this.refresh();
  }

  /** @param {string} name @returns {import("./chatroom.js").RoomInfo | undefined} */
  info(name) {
    return this.#infos.get(name);
  }

  /** Our role in a room. @param {import("./room.js").Room} room */
  role(room) {
    return roleIn(this.#infos.get(room.name) ?? {kind: room.kind}, this.#chat.role);
  }

  /** Whether one can go out of it: there is another to be in, and this one can be found again. */
  leavable({name, kind}) {
    const others = [...this.#opens.keys()].filter((room) => kindOf(room.name) !== "direct");
    return others.length > 1 && kind !== "private" && kindOf(name) === "public";
  }

  /** The room that we and one other person have. @param {string} user an id */
  directWith(user) {
    return [...this.#infos.values()].find(({other}) => other?.id === user);
  }

  /** What a room is called, whether or not we are in it. @param {string} name */
  titleOf(name) {
    const {other, title} = this.#infos.get(name) ?? {};
    return other?.name || title || name;
  }

  /** A direct room is called by who it is with. */
  #call(open) {
    const {room} = open;
    const {other} = this.#infos.get(room.name) ?? {};
    const direct = kindOf(room.name) === "direct";
    open.title = direct ? other?.name ?? "Direct message" : room.title || room.name;
    return open.title;
  }

  async refresh() {
    if (this.#chat.state !== "online") return;
    try {
      this.#take(await this.#chat.rooms());
    } catch {
      // The list stays as it was; the next turn asks again.
    }
  }

  /** The tab is about to be hidden, or closed. */
  flush() {
    this.#marks.flush();
  }

  /**
   * @param {OpenRoom | null} current
   * @returns {{rooms: Entry[], direct: Entry[], others: Entry[]}}
   */
  listing(current) {
    const entries = this.#entries(current);
    const open = new Set(entries.map(({name}) => name));
    const others = [...this.#infos.values()]
      .filter(({name, kind}) => !open.has(name) && kind !== "direct" && kind !== "private")
      .map(({name, title, kind, count}) =>
        ({name, title, kind, there: count, unread: 0, current: false}));
    const direct = entries.filter(({kind}) => kind === "direct");
    const rooms = entries.filter(({kind}) => kind !== "direct");
    for (const entry of rooms) entry.leavable = this.leavable(entry);
    for (const entry of direct) entry.leavable = true;
    const byTitle = new Intl.Collator(undefined, {sensitivity: "base"}).compare;
    direct.sort((one, other) => byTitle(one.title, other.title));
    return {rooms, direct, others};
  }

  /** What is open, and what is ours without being open. @returns {Entry[]} */
  #entries(current = null) {
    const opens = [...this.#opens.values()].map((open) => {
      const {name, kind} = open.room;
      const info = this.#infos.get(name);
      return {
        name, title: this.#call(open), kind: kind || info?.kind || kindOf(name),
        unread: open.unread, current: open === current, other: info?.other,
      };
    });
    const names = new Set(opens.map(({name}) => name));
    const mine = [...this.#infos.values()]
      .filter((info) => !names.has(info.name) && this.#isOurs(info))
      .map(({name, title, kind, unread = 0, other}) =>
        ({name, title, kind, unread, other, current: false}));
    return [...opens, ...mine];
  }

  #isOurs({name, kind, head}) {
    if (kind === "direct") return !(head <= this.#hidden.value[name]);
    return kind === "private";
  }

  /** @param {import("./chatroom.js").RoomInfo[]} infos */
  #take(infos) {
    this.#infos = new Map(infos.map((info) => [info.name, info]));
    this.#marks.learn(infos);
    for (const open of this.#opens.values()) open.readUpTo(this.#infos.get(open.room.name)?.read);
    for (const info of infos) if (this.#opensUnasked(info)) this.open(info.name);
    this.#fresh = false;
    this.emit("change");
  }

  #opensUnasked(info) {
    if (this.#opens.size >= MOST) return false;
    if (info.kind === "direct") return info.unread > 0 && this.#isOurs(info);
    // On a device that is new to us: the rooms that we have read on another.
    return info.kind === "private" || (this.#fresh && info.read > 0);
  }

  /** What an old event says of our place may be true no more; the list says what is. */
  #placeChanged(room, {user, role}) {
    if (user.id !== this.#chat.user?.id || room.state !== "live") return;
    const info = this.#infos.get(room.name) ?? {name: room.name, kind: room.kind};
    if (role) this.#infos.set(room.name, {...info, role});
    this.emit("change");
    this.#refreshLater();
  }

  #refreshLater() {
    setTimeout(() => this.refresh(), LATER);
  }

  /** Somebody wrote to us alone, or we did on another device. */
  #heardFrom(name) {
    if (kindOf(name) !== "direct") return;
    this.open(name);
    this.refresh();
  }

  #remember() {
    const names = [...this.#opens.keys()].filter(({state}) => state !== "put out").map(({name}) => name);
    // The server itself knows the others that are ours.
    this.#remembered.value = names.filter((name) => kindOf(name) === "public").slice(0, MOST);
  }
}

const kindOf = (name) => ({"~": "private", "@": "direct"})[name[0]] ?? "public";
