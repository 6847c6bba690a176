/**
 * The client of a chatroom server. No dependencies, no build step, no DOM: for browsers, and for
 * anything else with a WebSocket, or with fetch.
 *
 *     import {Chatroom} from "https://chat.example/chatroom.js";
 *     const chat = new Chatroom({name: "Ana"});
 *     chat.join("lobby").on("message", ({by, text}) => console.log(by.name, text));
 *
 * It connects, and connects again whenever the connection is lost, after a wait that grows and is
 * never the same for all. Coming back it asks each room for what came after the last event it
 * handed out, so that listeners get each event once, in order, and none is missed. What is posted
 * meanwhile waits, and is sent again with its key until the server has acknowledged it:
 *
 *     const room = chat.join("lobby");
 *     const {seq} = await room.post("Hello");      // on the server's disk
 *     await room.edit(seq, "Hello, all");
 *     await room.react(seq, "👍");
 *     await room.delete(seq);
 *     const {events} = await room.history({before: seq, limit: 50});
 *     await chat.sendTo("Bea", "Just to you");
 *     const found = await chat.search("tea biscuits");
 *
 * Who has an account logs in, and may then do what an owner or a moderator may:
 *
 *     await chat.login("Ana", password);
 *     const {name} = await chat.createRoom("plans", {kind: "private"});
 *     await chat.join(name).keeping.invite("Bea");
 *
 * See Room (room.js) for what a room tells, Unsent (outbox.js) for what `post` returns, and
 * docs/protocol.md of the project for what is behind it.
 */
import {Account} from "./account.js";
import {Connection} from "./connection.js";
import {ChatroomError} from "./errors.js";
import {Emitter} from "./emitter.js";
import {Moderation} from "./moderation.js";
import {Outbox, Unsent} from "./outbox.js";
import {Room} from "./room.js";

export {ChatroomError, Room, Unsent};

/**
 * @typedef {object} Options
 * @property {string} [name] the guest's name
 * @property {string} [token] from an earlier `welcome`, to be the same guest again; or an API key
 * @property {string} [client] what is connecting, for the server's log; `web` when not given
 * @property {boolean} [connect] false: not before `connect()` is called
 * @property {Storage} [storage] where unsent posts survive a reload: sessionStorage, say. A tab's
 *   own: two tabs writing to one place would forget each other's.
 * @property {string} [storageKey]
 * @property {typeof WebSocket} [WebSocket] where there is no global one; without any, and where the
 *   network breaks WebSockets, the connection is an event stream, and requests go by POST
 * @property {typeof fetch} [fetch] for that, where not the global one
 *
 * @typedef {import("./roompeople.js").User} User
 *
 * @typedef {object} RoomInfo
 * @property {string} name
 * @property {string} title
 * @property {"public" | "announcement" | "private" | "direct"} kind
 * @property {number} head the `seq` of its newest event
 * @property {number} count who is there now
 * @property {string} topic
 * @property {number} slow
 * @property {string} [role] ours there
 * @property {number} [read] the `seq` up to which we have read it
 * @property {number} [unread]
 * @property {User} [other] who a direct room is with
 */

/**
 * A connection to a server, its rooms, and what waits to be sent. Emits:
 * - `state`: see ConnectionState in connection.js
 * - `welcome` with the server's reply: `user`, `limits`, `token` to keep for next time
 * - `token`: the server does not know the token given any more
 * - `unsent` with an Unsent whose state changed; its room emits it too
 * - `notice`, `closing` and whatever else is not about one room we have joined: a `message` in a
 *   direct room is told to every device, joined or not
 */
export class Chatroom extends Emitter {
  /** Who we are, from the first welcome on. @type {User | null} */
  user = null;
  /** Our role on the whole server. */
  role = "guest";
  /** What the server allows, by name. @type {Record<string, number>} */
  limits = {};
  /** @type {string | null} */
  epoch = null;
  /** Our own account. @type {Account} */
  account;
  /** The whole server's. @type {Moderation} */
  moderation;
  /** How far the server's clock is ahead of ours, in ms. */
  #ahead = 0;
  #connection;
  #outbox;
  /** @type {Map<string, Room>} */
  #rooms = new Map();

  /**
   * @param {string | URL | Options} [url] `wss://host/ws`; by default of the server that this
   *   module comes from
   * @param {Options} [options]
   */
  constructor(url, options = {}) {
    super();
    if (url && typeof url === "object" && !(url instanceof URL)) [url, options] = [undefined, url];
    const {name, token, client = "web", connect = true, storage, storageKey} = options;
    this.#connection = new Connection(
      String(url ?? defaultUrl()),
      {name, token, client},
      options.WebSocket ?? globalThis.WebSocket,
      options.fetch ?? globalThis.fetch,
    );
    this.#outbox = new Outbox({
      send: (item) => this.#sendItem(item),
      ready: (room) => (room ? this.#rooms.get(room)?.entered ?? false : this.state === "online"),
      storage,
      storageKey,
    });
    const request = (type, fields) => this.request(type, fields);
    this.account = new Account(request);
    this.moderation = new Moderation(request);
    this.#listen();
    if (connect) this.connect();
  }

  /** @type {import("./connection.js").ConnectionState} */
  get state() {
    return this.#connection.state;
  }

  /** Why we were refused. @type {ChatroomError | null} */
  get error() {
    return this.#connection.error;
  }

  /** When the connection will be tried again, in ms since 1970. @type {number | null} */
  get retryAt() {
    return this.#connection.retryAt;
  }

  /** The server's time, in ms since 1970. */
  now() {
    return Date.now() + this.#ahead;
  }

  /** All that is on its way. @type {Unsent[]} */
  get unsent() {
    return this.#outbox.items;
  }

  /** The rooms joined. @type {Room[]} */
  get joined() {
    return [...this.#rooms.values()];
  }

  /**
   * Connects, unless connected already; at once if it was waiting to.
   * @param {{name?: string, token?: string}} [identity] someone else than so far
   */
  connect(identity) {
    if (identity) Object.assign(this.#connection.identity, identity);
    this.#connection.open();
  }

  /** Hangs up and stays away until `connect()`. Rooms, and what is unsent, are kept. */
  close() {
    this.#connection.close();
  }

  /**
   * Hangs up and connects again, at once.
   * @param {{name?: string, token?: string}} [identity] as someone else
   */
  reconnect(identity) {
    if (identity) Object.assign(this.#connection.identity, identity);
    this.#connection.reopen();
  }

  /**
   * Connects as the owner of an account. From then on a token stands for the password: it is in the
   * `welcome`, to be kept for the next time.
   * @param {string} name
   * @param {string} password
   * @returns {Promise<object>} the welcome; fails with a ChatroomError
   */
  login(name, password) {
    const connection = this.#connection;
    connection.identity = {client: connection.identity.client, name, password};
    return new Promise((resolve, reject) => {
      const settle = (act, value) => {
        for (const stop of stops) stop();
        act(value);
      };
      connection.reopen();
      const stops = [
        connection.on("welcome", (welcome) => settle(resolve, welcome)),
        connection.on("state", (state) => {
          if (state === "refused") settle(reject, this.error);
          else if (state === "closed") settle(reject, new ChatroomError("disconnected"));
        }),
      ];
    });
  }

  /**
   * Joins a room, now or as soon as there is a connection; the server makes it if there is none of
   * that name.
   * @param {string} name
   * @param {{since?: number, epoch?: string}} [position] an earlier `room.position`, to go on there
   * @returns {Room} the same one every time
   */
  join(name, position) {
    // Nearly what the server does with a name; where it does more, its reply says so.
    const asked = name.trim().normalize("NFKC").toLowerCase();
    const known = this.#rooms.get(asked);
    if (known) {
      if (["refused", "put out"].includes(known.state) && this.state === "online") known.join();
      return known;
    }
    const room = new Room(asked, this.#link(), position);
    this.#rooms.set(asked, room);
    if (this.state === "online") room.join();
    return room;
  }

  /** The rooms there are. @returns {Promise<RoomInfo[]>} */
  async rooms() {
    const {rooms} = await this.request("rooms");
    for (const info of rooms) this.#rooms.get(info.name)?.know(info);
    return rooms;
  }

  /**
   * Makes a room; we are its owner. A private one gets another name, which nobody can guess.
   * @param {string} name
   * @param {{kind?: "public" | "private" | "announcement", title?: string, topic?: string}} [about]
   * @returns {Promise<RoomInfo>}
   */
  async createRoom(name, {kind, title, topic} = {}) {
    return (await this.request("room.create", {room: name, kind, title, topic})).room;
  }

  /**
   * Writes to one user, whether or not they are here. Sent like a post (see `Room.post`); the
   * receipt says in which room the two of us have it.
   * @param {string} user an id or a name
   * @param {string} text
   * @param {{data?: object}} [more]
   * @returns {Unsent} can be awaited
   */
  sendTo(user, text, {data} = {}) {
    return this.#outbox.add("post", "", {to: user, text, data});
  }

  /**
   * The newest messages that have all of the words, as they are now.
   * @param {string} query
   * @param {{room?: string, limit?: number}} [range] one room; otherwise all that we may read
   * @returns {Promise<object[]>} newest first
   */
  async search(query, {room, limit} = {}) {
    return (await this.request("search", {query, room, limit})).messages;
  }

  /**
   * Any other request of the protocol.
   * @param {string} type
   * @param {object} [fields]
   * @returns {Promise<any>} the reply; fails with a ChatroomError
   */
  request(type, fields) {
    return this.#connection.request(type, fields);
  }

  #listen() {
    const connection = this.#connection;
    connection.on("welcome", (welcome) => this.#welcomed(welcome));
    connection.on("message", (message) => this.#received(message));
    connection.on("token", (token) => this.emit("token", token));
    connection.on("state", (state) => {
      if (state !== "online") for (const room of this.joined) room.lose();
      this.emit("state", state);
    });
    this.#outbox.on("change", (item) => {
      this.emit("unsent", item);
      this.#rooms.get(item.room)?.unsentChanged(item);
    });
    const wake = () => connection.wake();
    const {document} = globalThis;
    globalThis.addEventListener?.("online", wake);
    document?.addEventListener("visibilitychange", () => document.hidden || wake());
  }

  /** What a room may do with us; not for the room's users. */
  #link() {
    const chat = this;
    return {
      outbox: this.#outbox,
      get user() {
        return chat.user;
      },
      get epoch() {
        return chat.epoch;
      },
      now: () => this.now(),
      request: (type, fields) => this.#connection.request(type, fields),
      insist: (type, fields) => this.#connection.insist(type, fields),
      forget: (room) => this.#forget(room),
      rename: (room, name) => this.#rename(room, name),
    };
  }

  #forget(room) {
    if (this.#rooms.get(room.name) === room) this.#rooms.delete(room.name);
  }

  #rename(room, name) {
    this.#forget(room);
    if (this.#rooms.has(name)) throw new ChatroomError("conflict", `${name} is joined already`);
    this.#rooms.set(name, room);
    this.#outbox.rename(room.name, name);
  }

  #welcomed(welcome) {
    this.user = welcome.user;
    this.role = welcome.role ?? "guest";
    this.limits = welcome.limits ?? {};
    this.epoch = welcome.epoch;
    if (welcome.time) this.#ahead = welcome.time - Date.now();
    const rooms = this.joined; // those a listener joins now go in by themselves
    this.emit("welcome", welcome);
    for (const room of rooms) if (room.state !== "put out") room.join();
    this.#outbox.pump();
  }

  #received(message) {
    const room = this.#rooms.get(message.room);
    if (room) room.receive(message);
    else this.emit(message.type, message);
  }

  /** @returns {Promise<import("./outbox.js").Receipt>} */
  async #sendItem({op, room, key, fields}) {
    const message = {...fields, room: room || undefined, key};
    const {message_bytes: most} = this.limits;
    // The server would hang up on it, and again at each reconnect.
    if (most && new TextEncoder().encode(JSON.stringify(message)).length + 100 > most) {
      throw new ChatroomError("too_long", "the message is too long");
    }
    if (op === "post") return this.#post(message);
    const {seq, at} = await this.request(op, message);
    return {room, seq, at};
  }

  async #post(message) {
    try {
      const {room, seq, at} = await this.request("post", message);
      return {room, seq, at};
    } catch (error) {
      this.#rooms.get(message.room)?.postRefused(error);
      throw error;
    }
  }
}

/** The server this module came from. */
function defaultUrl() {
  const url = new URL("ws", import.meta.url);
  if (!url.protocol.startsWith("http")) throw new TypeError("the server's address is missing");
  url.protocol = url.protocol.replace("http", "ws");
  return url;
}
