import {ChatroomError} from "./errors.js";
import {Emitter} from "./emitter.js";
import {RoomKeeping} from "./roomkeeping.js";
import {RoomLog} from "./roomlog.js";
import {RoomPeople} from "./roompeople.js";
import {Standing} from "./standing.js";

const PAGE = 500;
const TYPING_EVERY = 3_000;

/**
 * @typedef {import("./roompeople.js").User} User
 * @typedef {import("./roomlog.js").LoggedEvent} LoggedEvent
 * @typedef {import("./outbox.js").Unsent} Unsent
 *
 * - `away`: not connected, or not in the room yet
 * - `joining`: asked to be let in
 * - `catching up`: in; what was missed is being fetched
 * - `live`
 * - `refused`: `error` says why. Asked again at the next connection.
 * - `put out`: by a moderator, while we were in; `error` says why. Not asked again before `join`.
 * - `left`
 * @typedef {"away" | "joining" | "catching up" | "live" | "refused" | "put out" | "left"} RoomState
 */

/**
 * A room we are in, or will be as soon as there is a connection. Emits:
 * - `message`, `edited`, `deleted`, `reaction`, `member`, `room` and every other type of logged event: each
 *   once, in order
 * - `event`: all of those
 * - `reset`: the log began anew (its epoch changed, or it no longer reaches back to where we were);
 *   forget what was shown, the newest events follow
 * - `gap` with `{after, before}`: the server's log has nothing between the two
 * - `members` (members or their count changed), `typing` (who is writing changed), `notice`
 * - `read` with `{seq}`: we have read up to there, on another device
 * - `about`: its title, topic or pace changed
 * - `standing`: whether we may speak changed (`muted`, `nextPostAt`)
 * - `unsent` with an Unsent whose state changed
 * - `state`
 */
export class Room extends Emitter {
  title = "";
  kind = "";
  topic = "";
  /** Seconds between two posts of one member; 0: as they like. */
  slow = 0;
  /** Why we are not in. @type {ChatroomError | null} */
  error = null;
  /** What its moderators may ask. @type {RoomKeeping} */
  keeping;
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
  /** Up to where the room reached when we came in: what is after it happens now. */
  #enteredAt = Infinity;
  #people = new RoomPeople(
    (what) => this.emit(what, this.typers),
    () => this.entered && this.who().catch(() => {}), // the next join tells
  );
  #standing;
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
    this.keeping = new RoomKeeping((type, fields) => this.#ask("request", type, fields));
    this.#standing = new Standing(link.now);
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

  /** @type {Map<string, User>} */
  get members() {
    return this.#people.members;
  }

  /** How many are in the room. `members` may hold fewer in a large one. */
  get count() {
    return this.#people.count;
  }

  /** Who is writing now, ourselves not among them. @type {User[]} */
  get typers() {
    return this.#people.typers;
  }

  /** Set while we may listen only. @type {import("./standing.js").Mute | null} */
  get muted() {
    return this.#standing.muted;
  }

  /** Up to where the room reached when we came in: what came until then was told as it was then. */
  get enteredAt() {
    return this.#enteredAt;
  }

  /** When slow mode lets us post again, in the server's ms since 1970. */
  get nextPostAt() {
    return this.#standing.nextPostAt;
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
   * @param {number} seq of a message: of ours, or as a moderator of anybody's
   * @returns {Unsent}
   */
  delete(seq) {
    return this.#link.outbox.add("delete", this.#name, {seq});
  }

  /**
   * Puts an emoji under a message, or takes ours away again. Done twice it is done once.
   * @param {number} seq of the message
   * @param {string} emoji
   * @param {boolean} [on]
   */
  async react(seq, emoji, on = true) {
    await this.#ask("insist", "react", {seq, emoji, on});
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
    // Nobody misses one; but it may be the first we hear of being muted.
    this.#ask("request", "typing", {on}).catch((error) => this.postRefused(error));
  }

  /**
   * Tells our other devices how far we have read.
   * @param {number} seq
   */
  async read(seq) {
    await this.#ask("request", "read", {seq});
  }

  /**
   * Asks the moderators to look at a message.
   * @param {number} seq
   * @param {string} [reason]
   */
  async report(seq, reason) {
    await this.#ask("request", "report", {seq, reason});
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
    this.#people.take(await this.#ask("insist", "who"));
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
    if (this.#state === "left" || this.#state === "put out") return;
    this.#entry++;
    this.#people.stoppedTyping();
    this.#enter("away");
  }

  /** For the Chatroom: an event of this room came in. */
  receive(event) {
    // A mark has a `seq`, too: one that it speaks of.
    if (event.type !== "read" && Number.isInteger(event.seq)) {
      this.#hand(this.#log.offer([event]));
      if (this.entered && this.#log.behind) this.#catchUp().catch(() => {}); // the next join will
    } else if (event.type === "presence") this.#people.present(event);
    else if (event.type === "typing") this.#typing(event);
    else this.emit(event.type, event);
  }

  /** For the Chatroom: a post of ours was not taken. @param {ChatroomError} error */
  postRefused(error) {
    if (this.#standing.refused(error, this.slow)) this.emit("standing");
    // Who is put out by the one who runs the server has no event to say so: asking anew does.
    const out = error.code === "not_found" || error.code === "banned";
    if (out && this.#state === "live") this.join();
  }

  /** For the Chatroom: what the list says, of which there may have been no event. */
  know({title, topic, slow}) {
    const told = Object.entries({title, topic, slow}).filter(
      ([name, value]) => value !== undefined && value !== this[name],
    );
    if (!told.length) return;
    Object.assign(this, Object.fromEntries(told));
    this.emit("about");
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
    const {name, title = "", kind = "", topic = "", slow = 0, head} = reply.room;
    if (name !== this.#name) this.#link.rename(this, name);
    this.#name = name;
    Object.assign(this, {title, kind, topic, slow});
    this.#people.take({members: reply.members, count: reply.room.count});
    this.#enteredAt = head;
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
        if (entry !== this.#entry) return; // one of them has put us out
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
      const ours = event.by?.id === this.#link.user?.id;
      if (ours && event.key) this.#link.outbox.acknowledge(event.key, event);
      if (event.type === "message") this.#said(event, ours);
      if (event.type === "room") this.#changed(event);
      this.emit(event.type, event);
      this.emit("event", event);
      if (event.type === "member") this.#memberChanged(event);
    }
  }

  #said({seq, by}, ours) {
    this.#people.stoppedTyping(by?.id ?? "");
    const now = seq > this.#enteredAt;
    if (ours && now && this.#standing.posted(this.slow)) this.emit("standing");
  }

  /** An old event says what was; the reply to our join said what is. */
  #changed(event) {
    if (event.seq > this.#enteredAt) this.know(event);
  }

  #memberChanged(event) {
    if (event.user.id !== this.#link.user?.id) return;
    if (this.#standing.told(event)) this.emit("standing");
    if (event.seq > this.#enteredAt && putsOut(event, this.kind)) this.#putOut(event);
  }

  #putOut({change, reason, until, by}) {
    const code = change === "banned" ? "banned" : "kicked";
    this.error = new ChatroomError(code, reason, {by, until});
    this.#entry++;
    this.#people.stoppedTyping();
    this.#enter("put out");
  }

  #typing(event) {
    if (event.user.id !== this.#link.user?.id) this.#people.typing(event);
  }
}

/** Whether the server has taken somebody out of a room of that kind with this event. */
function putsOut({change, role}, kind) {
  if (change === "role") return role === "guest" && kind === "private";
  return change === "kicked" || change === "banned";
}
