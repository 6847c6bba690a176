import {Chatroom} from "./chatroom.js";
import {Composer} from "./composer.js";
import {Conversation} from "./conversation.js";
import {Drawers} from "./drawers.js";
import {avatar, byId} from "./element.js";
import {Identity} from "./identity.js";
import {Naming} from "./naming.js";
import {OpenRoom} from "./openroom.js";
import {showPeople} from "./people.js";
import {RoomList} from "./roomlist.js";
import {Status} from "./status.js";
import {Stored} from "./stored.js";
import {counted, inWords, listed} from "./words.js";

const FIRST_ROOM = "lobby";
const ROOMS_EVERY = 30_000;
/** Refusals that another name may help against. */
const ABOUT_THE_NAME = new Set(["name_taken", "bad_request", "too_long"]);

/** The page: who we are, the rooms we have open, and the one that is shown. */
class Page {
  #identity = new Identity();
  #chat = new Chatroom({connect: false, storage: sessionStorageOrNone()});
  /** @type {Map<import("./room.js").Room, OpenRoom>} */
  #opens = new Map();
  /** @type {OpenRoom | null} */
  #current = null;
  /** All rooms of the server, as last heard. */
  #listed = [];
  #ours = new Stored("localStorage", "chatroom.rooms", []);
  /** What is to be drawn again at the end of this turn. @type {Set<"rooms" | "people">} */
  #stale = new Set();
  #today = new Date().toDateString();
  /** Whom we last asked to be. */
  #name = "";

  #drawers = new Drawers();
  #status = new Status(this.#chat);
  #composer = new Composer({posted: () => this.#conversation.follow()});
  #naming = new Naming({
    chosen: (name) => this.#become(name),
    kept: () => this.#stay(),
  });
  #list = new RoomList({
    join: (name) => this.#go(name),
    leave: (name) => this.#leave(name),
  });
  #conversation = new Conversation({
    edit: (message) => this.#composer.edit(message),
    delete: (message) => this.#confirmDeletion(message),
    read: () => this.#read(),
  });

  start() {
    this.#listen();
    this.#openRooms();
    this.#status.show();
    if (this.#identity.name) this.#become(this.#identity.name);
    else this.#naming.ask({suggestion: this.#identity.lastName});
  }

  #listen() {
    const chat = this.#chat;
    chat.on("welcome", (welcome) => this.#welcomed(welcome));
    chat.on("state", () => this.#stateChanged());
    chat.on("token", () => this.#identity.forgetToken(this.#name));
    byId("rename").addEventListener("click", () => {
      this.#drawers.close();
      this.#naming.ask({suggestion: this.#identity.name ?? "", mayKeep: true});
    });
    addEventListener("hashchange", () => this.#show(roomOfAddress() ?? FIRST_ROOM));
    document.addEventListener("visibilitychange", () => this.#read());
    setInterval(() => this.#keepFresh(), ROOMS_EVERY);
  }

  #openRooms() {
    // What is still unsent needs its room, wherever the list of rooms comes from.
    const names = [...this.#ours.value, ...this.#chat.unsent.map(({room}) => room)];
    for (const name of names) this.#open(name);
    this.#show(roomOfAddress() ?? names[0] ?? FIRST_ROOM);
  }

  /** @param {string} name */
  #become(name) {
    this.#name = name;
    const identity = this.#identity.credentials(name);
    if (this.#chat.state === "online") this.#chat.reconnect(identity);
    else this.#chat.connect(identity);
  }

  /** Back to the name we had before trying another. */
  #stay() {
    if (this.#chat.state === "refused") this.#become(this.#identity.name);
  }

  #welcomed({user, limits, token}) {
    this.#identity.keep(user.name, token);
    this.#composer.limit = limits.text_length;
    byId("my-name").textContent = user.name;
    avatar(user, byId("my-avatar"));
    document.body.classList.add("known");
    this.#conversation.redraw();
    this.#touch("people");
    this.#refreshRooms();
  }

  #stateChanged() {
    const {state, error} = this.#chat;
    if (state === "refused" && ABOUT_THE_NAME.has(error.code) && !error.closeCode) {
      const mayKeep = this.#identity.name !== null && this.#identity.name !== this.#name;
      this.#naming.ask({suggestion: this.#name, error: inWords(error), mayKeep});
    }
  }

  /** Opens a room, without showing it. @param {string} name */
  #open(name) {
    const room = this.#chat.join(name);
    const known = this.#opens.get(room);
    if (known) return known;
    const open = new OpenRoom(room, this.#chat);
    this.#opens.set(room, open);
    open.on("change", () => this.#touch("rooms"));
    room.on("members", () => open === this.#current && this.#touch("people"));
    room.on("typing", () => open === this.#current && this.#tellTyping());
    room.on("state", (state) => this.#roomState(open, state));
    return open;
  }

  #roomState(open, state) {
    if (state === "refused" && this.#opens.size > 1) {
      this.#list.complain(`${open.room.name}: ${inWords(open.room.error)}`);
      this.#leave(open.room.name);
    } else if (state === "live") {
      this.#rememberRooms();
      if (open === this.#current) this.#showWhere();
    }
    if (open === this.#current) this.#status.show(open.room);
  }

  /** @param {string} name */
  #show(name) {
    this.#current = this.#open(name);
    const {room} = this.#current;
    this.#conversation.show(this.#current);
    this.#composer.show(this.#current);
    this.#status.show(room);
    this.#drawers.close();
    this.#showWhere();
    this.#tellTyping();
    this.#touch("rooms", "people");
  }

  /** Shows a room, and says so in the address. @param {string} name */
  #go(name) {
    const hash = `#${encodeURIComponent(name.normalize("NFC").toLowerCase())}`;
    if (location.hash === hash) this.#show(name);
    else location.hash = hash;
  }

  #leave(name) {
    const open = [...this.#opens.values()].find(({room}) => room.name === name);
    if (!open) return;
    this.#opens.delete(open.room);
    open.room.leave();
    this.#rememberRooms();
    const [next] = this.#opens.keys();
    if (open === this.#current) this.#go(next?.name ?? FIRST_ROOM);
    this.#refreshRooms();
    this.#touch("rooms");
  }

  #rememberRooms() {
    this.#ours.value = [...this.#opens.keys()].map(({name}) => name).slice(0, 50);
  }

  #keepFresh() {
    this.#refreshRooms();
    const today = new Date().toDateString();
    if (today !== this.#today) this.#conversation.redraw(); // what was today is yesterday
    this.#today = today;
  }

  async #refreshRooms() {
    if (this.#chat.state !== "online" || document.hidden) return;
    try {
      this.#listed = await this.#chat.rooms();
      this.#touch("rooms");
    } catch {
      // The list stays as it was; the next turn asks again.
    }
  }

  #read() {
    if (!document.hidden && this.#conversation.following) this.#current?.markRead();
  }

  /** What the panels show has changed: they are drawn once, however much happens in this turn. */
  #touch(...panels) {
    if (!this.#stale.size) setTimeout(() => this.#showAround());
    for (const panel of panels) this.#stale.add(panel);
  }

  #showAround() {
    if (this.#stale.has("rooms")) {
      const names = new Set([...this.#opens.keys()].map(({name}) => name));
      const others = this.#listed.filter(({name}) => !names.has(name));
      this.#list.show(this.#opens.values(), this.#current, others);
    }
    if (this.#stale.has("people")) showPeople(this.#current.room, this.#chat.user);
    this.#showWhere();
    this.#stale.clear();
  }

  #showWhere() {
    const {room} = this.#current;
    const title = room.title || room.name;
    byId("room-title").textContent = title;
    byId("room-count").textContent = room.count ? counted(room.count, "person", "people") : "";
    const unread = [...this.#opens.values()].reduce((sum, open) => sum + open.unread, 0);
    document.title = `${unread ? `(${unread}) ` : ""}${title} · chatroom`;
  }

  #tellTyping() {
    const names = this.#current.room.typers.map(({name}) => name);
    const verb = names.length === 1 ? "is" : "are";
    const who = names.length > 3 ? "Several people" : listed(names);
    byId("typing").textContent = names.length ? `${who} ${verb} writing…` : "";
  }

  #confirmDeletion(message) {
    const {room} = this.#current;
    const dialog = byId("deleting");
    byId("deleting-excerpt").textContent = message.text;
    dialog.returnValue = "";
    dialog.addEventListener("close", () => {
      if (dialog.returnValue === "delete") room.delete(message.seq);
      this.#composer.focus();
    }, {once: true});
    dialog.showModal();
  }
}

/** `#lobby` or `#room=lobby` */
function roomOfAddress() {
  try {
    return decodeURIComponent(location.hash.slice(1)).replace(/^room=/, "") || null;
  } catch {
    return null; // not an address of ours
  }
}

function sessionStorageOrNone() {
  try {
    return sessionStorage;
  } catch {
    return undefined;
  }
}

new Page().start();
