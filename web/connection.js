import {Backoff, mayComeBack} from "./backoff.js";
import {ChatroomError} from "./errors.js";
import {Emitter} from "./emitter.js";
import {Heartbeat} from "./heartbeat.js";
import {Way} from "./way.js";

const CONNECT_TIMEOUT = 15_000;
const REPLY_TIMEOUT = 20_000;

const REFUSALS = {
  1009: "too_long",
  4401: "bad_token",
  4403: "forbidden",
  4429: "too_many_connections",
};

/**
 * - `idle`: not asked to connect yet
 * - `connecting`: on its way, the server's welcome not there yet
 * - `online`: welcomed
 * - `waiting`: lost, will be tried again at `retryAt`
 * - `refused`: the server does not want us as we are; `error` says why. Waits for `open`.
 * - `closed`: by us. Waits for `open`.
 * @typedef {"idle" | "connecting" | "online" | "waiting" | "refused" | "closed"} ConnectionState
 *
 * @typedef {object} Identity
 * @property {string} [name]
 * @property {string} [token]
 * @property {string} [password] of the account `name`; forgotten once the server has answered
 * @property {string} [client]
 */

/**
 * One connection to a chatroom server, made again whenever it is lost.
 * Emits `state`, `welcome`, `token` and `message` (whatever answers no request).
 */
export class Connection extends Emitter {
  /** Who to say we are, at the next hello. @type {Identity} */
  identity;
  #url;
  #way;
  /** @type {ConnectionState} */
  #state = "idle";
  /** @type {WebSocket | import("./eventsocket.js").EventSocket | null} */
  #socket = null;
  /** Whether anything has come on it. */
  #heard = false;
  /** @type {ChatroomError | null} */
  #error = null;
  /** @type {number | null} */
  #retryAt = null;
  #timer;
  #lastId = 0;
  #requests = new Map();
  #backoff = new Backoff();
  /** How long the server asked us to stay away, in ms. */
  #asked;
  #heartbeat = new Heartbeat({
    ping: () => this.#send({type: "ping"}),
    dead: () => this.#lost(1006, "the server does not answer"),
  });

  /**
   * @param {string} url
   * @param {Identity} identity
   * @param {typeof WebSocket} [WebSocketClass]
   * @param {typeof fetch} [fetch]
   */
  constructor(url, identity, WebSocketClass, fetch) {
    super();
    this.#url = url;
    this.identity = identity;
    this.#way = new Way(WebSocketClass, fetch);
  }

  get state() {
    return this.#state;
  }

  /** Why the connection was refused. @type {ChatroomError | null} */
  get error() {
    return this.#error;
  }

  /** When it will be tried again, in ms since 1970. @type {number | null} */
  get retryAt() {
    return this.#retryAt;
  }

  open() {
    if (this.#state === "connecting" || this.#state === "online") return;
    this.#dial();
  }

  close() {
    if (this.#state === "idle" || this.#state === "closed") return;
    this.#drop(1000);
    this.#enter("closed");
  }

  reopen() {
    this.#drop(1000);
    this.#backoff.reset();
    this.#dial();
  }

  /** The network or the person is back: do not sit out the wait, do not trust an old connection. */
  wake() {
    if (this.#state === "waiting") this.#dial();
    else if (this.#state === "online") this.#heartbeat.probe();
  }

  /**
   * @param {string} type
   * @param {object} [fields]
   * @returns {Promise<any>} the reply; fails with a ChatroomError
   */
  request(type, fields = {}) {
    return new Promise((resolve, reject) => {
      if (this.#state !== "online") {
        reject(new ChatroomError("disconnected", "not connected"));
        return;
      }
      const id = ++this.#lastId;
      const timer = setTimeout(() => {
        this.#requests.delete(id);
        reject(new ChatroomError("timeout", "the server did not reply"));
      }, REPLY_TIMEOUT);
      this.#requests.set(id, {resolve, reject, timer});
      this.#send({...fields, type, id});
    });
  }

  /**
   * Like `request`, but asks again for as long as the refusals are temporary ones and the
   * connection lasts.
   * @param {string} type
   * @param {object} [fields]
   * @returns {Promise<any>}
   */
  async insist(type, fields) {
    const socket = this.#socket;
    for (;;) {
      try {
        return await this.request(type, fields);
      } catch (error) {
        if (!error.temporary || error.code === "disconnected") throw error;
        await new Promise((resolve) => setTimeout(resolve, (error.retryAfter ?? 1) * 1000));
        if (socket !== this.#socket) throw new ChatroomError("disconnected", "connection lost");
      }
    }
  }

  #dial() {
    clearTimeout(this.#timer);
    const socket = this.#way.dial(this.#url);
    this.#heard = false;
    /** @param {(event: any) => void} act */
    const ifCurrent = (act) => (event) => {
      if (socket === this.#socket) act(event);
    };
    socket.onopen = ifCurrent(() => this.#hello());
    socket.onmessage = ifCurrent(({data}) => this.#receive(data));
    socket.onclose = ifCurrent(({code, reason}) => this.#lost(code, reason));
    // The close that follows says all there is to say; some implementations throw without this.
    socket.onerror = () => {};
    this.#socket = socket;
    this.#error = null;
    this.#timer = setTimeout(() => this.#lost(1006, "no connection"), CONNECT_TIMEOUT);
    this.#enter("connecting");
  }

  #hello() {
    const {token, ...account} = this.identity;
    if (account.password === undefined) this.#send({type: "hello", ...this.identity});
    else this.#send({type: "login", ...account});
  }

  #send(message) {
    this.#socket?.send(JSON.stringify(message));
  }

  #receive(data) {
    this.#heartbeat.heard();
    const message = parse(data);
    if (!message) return;
    this.#heard = true;
    if (this.#state === "connecting") this.#greeted(message);
    else if (["ok", "error", "pong"].includes(message.type)) this.#replied(message);
    else {
      if (message.type === "closing") this.#asked = (message.reconnect_after ?? 0) * 1000;
      this.emit("message", message);
    }
  }

  /** What comes before the welcome is the answer to our hello. */
  #greeted(message) {
    if (message.type === "error") {
      this.#helloFailed(ChatroomError.from(message));
    } else if (message.type === "welcome") {
      clearTimeout(this.#timer);
      this.#way.worked();
      this.#backoff.succeeded();
      this.#heartbeat.start();
      if (this.identity.password !== undefined) this.#loggedIn();
      if (message.token) this.identity.token = message.token;
      // The state first: who hears of the welcome may want to ask something at once.
      this.#state = "online";
      this.emit("welcome", message);
      this.emit("state", this.#state);
    }
  }

  /** From now on the token says who we are. */
  #loggedIn() {
    const {client} = this.identity;
    this.identity = {client};
  }

  #helloFailed(error) {
    if (this.identity.password !== undefined) {
      this.identity.password = undefined;
      this.#refuse(error);
    } else if (error.code === "bad_token" && this.identity.token && this.identity.name) {
      // The server no longer knows this guest (its data is gone): be a new one, same name.
      this.identity.token = undefined;
      this.emit("token", undefined);
      this.#hello();
    } else if (error.temporary) {
      if (error.retryAfter !== undefined) this.#asked = error.retryAfter * 1000;
      this.#lost(1006, error.message);
    } else {
      this.#refuse(error);
    }
  }

  #replied(message) {
    const request = this.#requests.get(message.id);
    if (!request) return;
    this.#requests.delete(message.id);
    clearTimeout(request.timer);
    if (message.type === "error") request.reject(ChatroomError.from(message));
    else request.resolve(message);
  }

  #lost(code, reason) {
    if (this.#state === "connecting" && !this.#heard) this.#way.failed();
    this.#drop(code);
    if (!mayComeBack(code)) {
      const word = REFUSALS[code] ?? "refused";
      this.#refuse(new ChatroomError(word, reason, {closeCode: code}));
      return;
    }
    const delay = this.#backoff.lost(this.#asked);
    this.#asked = undefined;
    this.#retryAt = Date.now() + delay;
    this.#timer = setTimeout(() => this.#dial(), delay);
    this.#enter("waiting");
  }

  #refuse(error) {
    this.#drop(1000);
    this.#error = error;
    this.#enter("refused");
  }

  /** Lets go of the socket without waiting for its close, which a dead network never confirms. */
  #drop(closeCode) {
    clearTimeout(this.#timer);
    this.#heartbeat.stop();
    this.#retryAt = null;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
    for (const {reject, timer} of this.#requests.values()) {
      clearTimeout(timer);
      reject(new ChatroomError("disconnected", "connection lost", {closeCode}));
    }
    this.#requests.clear();
  }

  #enter(state) {
    this.#state = state;
    this.emit("state", state);
  }
}

function parse(data) {
  if (typeof data !== "string") return null;
  try {
    return JSON.parse(data);
  } catch {
    return null; // not ours to judge: the connection lives on, as the server's does
  }
}
