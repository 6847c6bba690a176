import {Emitter} from "./emitter.js";
import {RoomLog} from "./roomlog.js";

const PAGE = 500;
const TYPING_EVERY = 3_000;
const TYPING_LASTS = 6_000;

/**
 * @typedef {{id: string, name: string, kind?: string}} User
 * @typedef {import("./roomlog.js").LoggedEvent} LoggedEvent
 * @typedef {import("./outbox.js").Unsent} Unsent
 *
 * - `away`: not connected, or not in the room yet
 * - `joining`: asked to be let in
 * - `catching up`: in; what was missed is being fetched
 * - `live`
 * - `refused`: `error` says why. Asked again at the next connection.
 * - `left`
 * @typedef {"away" | "joining" | "catching up" | "live" | "refused" | "left"} RoomState
 */

/**
 * A room we are in, or will be as soon as there is a connection. Emits:
 * - `message`, `edited`, `deleted` and every other type of logged event: each once, in order
 * - `event`: all of those
 * - `reset`: the log began anew (its epoch changed, or it no longer reaches back to where we were);
 *   forget what was shown, the newest events follow
 * - `gap` with `{after, before}`: the server's log has nothing between the two
 * - `members` (members or their count changed), `typing` (who is writing changed), `notice`
 * - `unsent` with an Unsent whose state changed
 * - `state`
 */
export class Room extends Emitter {
  title = "";
  kind = "";
  /** How many are in the room. `members` may hold fewer in a large one. */
  count = 0;
  /** @type {Map<string, User>} */
  members = new Map();
  /** Why we were not let in. @type {import("./errors.js").ChatroomError | null} */
  error = null;
  #name;
  #link;
  #log = new RoomLog();
  #epoch;
  /** @type {RoomState} */
  #state = "away";
  /** Counts the times we came in, so that what began in an earlier one notices. */
  #entry = 0;
  /** The entry in which missing events are being fetched. */
  #fetching = 0;
  #typers = new Map();
  #typedAt = 0;

  /**
   * @param {string} name
   * @param {object} link what a room needs of the connection: see chatroom.js
   * @param {{since?: number, epoch?: string}} [position] where to go on, from an earlier `position`
   */
  constructor(name, link, {since, epoch} = {}) {
    super();
    this.#name = name;
    this.#link = link;
    if (since != null) this.#log.start(since);
    this.#epoch = epoch;
  }

  get name() {
    return this.#name;
  }

  get state() {
    return this.#state;
  }

  /** Whether we are in: posts are sent. */
  get entered() {
    return this.#state === "catching up" || this.#state === "live";
  }

  /** What has been handed out so far; give it to `join` in another session to go on from here. */
  get position() {
    return {since: this.#log.seq, epoch: this.#epoch};
  }

  /** Who is writing now, ourselves not among them. @type {User[]} */
  get typers() {
    return [...this.#typers.values()].map(({user}) => user);
  }

  /** What is on its way to this room. @type {Unsent[]} */
  get unsent() {
    return this.#link.outbox.items.filter(({room}) => room === this.#name);
  }

  /**
   * Posts a message. It waits for the connection if there is none, and is sent again, with the same
   * key, until the server has answered.
   * @param {string} text
   * @param {{replyTo?: number, data?: object}} [more]
   * @returns {Unsent} can be awaited
   */
  post(text, {replyTo, data} = {}) {
    this.#typedAt = 0;
    const fields = {text, reply_to: replyTo, data};
    return this.#link.outbox.add("post", this.#name, fields);
  }

  /**
   * @param {number} seq of a message of ours
   * @param {string} text
   * @returns {Unsent}
   */
  edit(seq, text) {
    return this.#link.outbox.add("edit", this.#name, {seq, text});
  }

  /**
   * @param {number} seq of a message of ours
   * @returns {Unsent}
   */
  delete(seq) {
    return this.#link.outbox.add("delete", this.#name, {seq});
  }

  /**
   * Tells the others that we are writing. To be called at every keystroke: most calls do nothing.
   * @param {boolean} [on]
   */
  typing(on = true) {
    const now = Date.now();
    const told = on ? now - this.#typedAt < TYPING_EVERY : !this.#typedAt;
    if (told || this.#state !== "live") return;
    this.#typedAt = on ? now : 0;
    this.#ask("request", "typing", {on}).catch(() => {}); // nobody misses one
  }

  /**
   * Older (or newer) events, oldest first. They are not handed out through `on`.
   * @param {{before?: number, after?: number, limit?: number}} range
   * @returns {Promise<{events: LoggedEvent[], more: boolean}>}
   */
  history(range) {
    return this.#ask("insist", "history", range);
  }

  /** Asks who is in the room. @returns {Promise<User[]>} */
  async who() {
    this.#takeMembers(await this.#ask("insist", "who"));
    return [...this.members.values()];
  }

  /** Leaves; the room is forgotten. */
  leave() {
    const inside = this.entered || this.#state === "joining";
    this.#entry++;
    this.#enter("left");
    this.#link.forget(this);
    if (inside) this.#ask("request", "leave").catch(() => {}); // lost with the connection anyway
  }

  /** For the Chatroom: there is a connection, go in. */
  async join() {
    const entry = ++this.#entry;
    const since = this.#log.seq ?? undefined;
    const epoch = since === undefined ? undefined : this.#epoch;
    this.error = null;
    this.#enter("joining");
    try {
      const reply = await this.#ask("insist", "join", {since, epoch});
      if (entry !== this.#entry) return;
      this.#joined(reply, since);
      await this.#catchUp();
    } catch (error) {
      this.#notJoined(entry, error);
    }
  }

  /** For the Chatroom: the connection is gone. */
  lose() {
    if (this.#state === "left") return;
    this.#entry++;
    for (const id of [...this.#typers.keys()]) this.#stoppedTyping(id);
    this.#enter("away");
  }

  /** For the Chatroom: an event of this room came in. */
  receive(event) {
    if (Number.isInteger(event.seq)) {
      this.#hand(this.#log.offer([event]));
      if (this.entered && this.#log.behind) this.#catchUp().catch(() => {}); // the next join will
    } else if (event.type === "presence") this.#present(event);
    else if (event.type === "typing") this.#typing(event);
    else this.emit(event.type, event);
  }

  /** For the Chatroom: one of ours in the outbox changed. */
  unsentChanged(item) {
    this.emit("unsent", item);
  }

  #ask(how, type, fields) {
    return this.#link[how](type, {...fields, room: this.#name});
  }

  #enter(state) {
    if (this.#state === state) return;
    this.#state = state;
    this.emit("state", state);
  }

  #joined(reply, since) {
    const {name, title = "", kind = "", head} = reply.room;
    if (name !== this.#name) this.#link.rename(this, name);
    this.#name = name;
    Object.assign(this, {title, kind});
    this.#takeMembers({members: reply.members, count: reply.room.count});
    this.#epoch = this.#link.epoch;
    const fresh = since === undefined || !reply.recovered;
    if (fresh) {
      this.#log.start((reply.events[0]?.seq ?? head + 1) - 1);
      if (since !== undefined) this.emit("reset");
    }
    this.#enter("catching up");
    this.#hand(this.#log.offer(reply.events));
    this.#log.expect(head);
    this.#link.outbox.pump();
  }

  #notJoined(entry, error) {
    if (entry !== this.#entry || error.code === "disconnected") return;
    this.error = error;
    this.#enter("refused");
  }

  /** Fetches what is missing before what came, until nothing is. */
  async #catchUp() {
    const entry = this.#entry;
    if (this.#fetching === entry) return;
    this.#fetching = entry;
    try {
      while (this.#log.behind) {
        const after = this.#log.seq ?? 0;
        const {events} = await this.history({after, limit: PAGE});
        if (entry !== this.#entry) return;
        this.#hand(this.#log.offer(events));
        if (this.#log.seq === after) this.#skipHole();
      }
      this.#enter("live");
    } finally {
      if (this.#fetching === entry) this.#fetching = 0;
    }
  }

  #skipHole() {
    const after = this.#log.seq ?? 0;
    const ready = this.#log.skipHole();
    this.emit("gap", {after, before: ready[0]?.seq ?? (this.#log.seq ?? 0) + 1});
    this.#hand(ready);
  }

  #hand(events) {
    for (const event of events) {
      if (event.key && event.by?.id === this.#link.user?.id) {
        this.#link.outbox.acknowledge(event.key, event);
      }
      if (event.type === "message") this.#stoppedTyping(event.by?.id);
      this.emit(event.type, event);
      this.emit("event", event);
    }
  }

  #takeMembers({members, count}) {
    this.members = new Map(members.map((user) => [user.id, user]));
    this.count = count ?? members.length;
    this.emit("members");
  }

  #present({user, state, count}) {
    if (user && state === "offline") {
      this.#stoppedTyping(user.id);
      // In a large room not everybody is on the list: who goes may be one of the others.
      const listed = this.members.size === this.count;
      if (this.members.delete(user.id) || !listed) this.count--;
    } else if (user) {
      if (!this.members.has(user.id)) this.count++;
      this.members.set(user.id, user);
    }
    if (count !== undefined) this.count = count;
    this.emit("members");
  }

  #typing({user, on}) {
    if (user.id === this.#link.user?.id) return;
    clearTimeout(this.#typers.get(user.id)?.timer);
    if (!on) {
      this.#stoppedTyping(user.id);
      return;
    }
    const timer = setTimeout(() => this.#stoppedTyping(user.id), TYPING_LASTS);
    this.#typers.set(user.id, {user, timer});
    this.emit("typing", this.typers);
  }

  #stoppedTyping(id) {
    const typer = this.#typers.get(id);
    if (!typer) return;
    clearTimeout(typer.timer);
    this.#typers.delete(id);
    this.emit("typing", this.typers);
  }
}
