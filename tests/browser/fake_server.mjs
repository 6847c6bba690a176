/**
 * A chatroom server in memory, with a WebSocket class and a fetch that lead to it: no sockets, no
 * clock. Tests bend it: `answer` takes a request's reply out of its hands, `up` refuses connections,
 * `broken` only WebSockets.
 */
export class FakeServer {
  epoch = "epoch-1";
  up = true;
  broken = false;
  /** Every HTTP request, as `POST /session`. */
  fetches = [];
  /** Whether what is posted arrives. */
  posts = true;
  /** Every request received, in order. */
  requests = [];
  /** How often a connection was tried. */
  dials = 0;
  /** @type {(message: object, socket: object) => object | null | undefined} null: say nothing */
  answer = () => undefined;
  /** What a room asked for by this name is called. */
  roomName = (name) => name;
  limits = {text_length: 4000, message_bytes: 65536};
  #logs = new Map();
  #guests = 0;
  #sessions = 0;
  #streams = new Map();

  constructor() {
    const server = this;
    this.sockets = new Set();
    this.WebSocket = class {
      constructor(url, protocols) {
        Object.assign(this, {url, protocols, bufferedAmount: 0, rooms: new Set()});
        server.dials++;
        setImmediate(() => server.#accept(this));
      }

      send(text) {
        setImmediate(() => server.#received(this, JSON.parse(text)));
      }

      close(code) {
        server.sockets.delete(this);
        setImmediate(() => this.onclose({code, reason: ""}));
      }
    };
  }

  /** The only connection there is. */
  get socket() {
    const [socket, ...others] = this.sockets;
    if (!socket || others.length) throw new Error(`${this.sockets.size} connections, not one`);
    return socket;
  }

  log(room) {
    if (!this.#logs.has(room)) this.#logs.set(room, []);
    return this.#logs.get(room);
  }

  asked(type) {
    return this.requests.filter((request) => request.type === type);
  }

  /** Puts an event into a room's log without telling anybody. */
  append(room, event, by = {id: "u-other", name: "Other"}) {
    const log = this.log(room);
    const logged = {room, seq: (log.at(-1)?.seq ?? 0) + 1, at: 1000, by, type: "message", ...event};
    log.push(logged);
    return logged;
  }

  /** Appends, and tells who is in the room. */
  publish(room, event, by) {
    const logged = this.append(room, event, by);
    for (const socket of this.sockets) if (socket.rooms.has(room)) this.tell(socket, logged);
    return logged;
  }

  tell(socket, message) {
    setImmediate(() => socket.onmessage({data: JSON.stringify(message)}));
  }

  hangUp(code = 1006, reason = "") {
    for (const socket of this.sockets) {
      this.sockets.delete(socket);
      setImmediate(() => socket.onclose({code, reason}));
    }
  }

  fetch = async (url, {method = "GET", body, signal} = {}) => {
    const {pathname} = new URL(url);
    const [, , secret, stream] = pathname.split("/");
    this.fetches.push(`${method} ${stream ? "stream" : secret ? "requests" : pathname}`);
    if (!this.up) throw new TypeError("fetch failed");
    if (!secret) return Response.json({session: `secret-${++this.#sessions}`}, {status: 201});
    if (stream) return this.#stream(secret, signal);
    const socket = this.#streams.get(secret);
    if (!this.posts) throw new TypeError("fetch failed");
    if (!this.sockets.has(socket)) return Response.json({error: {code: "not_found"}}, {status: 404});
    for (const request of JSON.parse(body)) setImmediate(() => this.#received(socket, request));
    return Response.json({}, {status: 202});
  };

  #stream(secret, signal) {
    const server = this;
    this.dials++;
    const body = new ReadableStream({
      start(controller) {
        const write = (event) => controller.enqueue(new TextEncoder().encode(`${event}\n\n`));
        const socket = {
          rooms: new Set(),
          onmessage: ({data}) => write(`data: ${data}`),
          onclose({code, reason}) {
            if (code !== 1006) write(`event: close\ndata: ${JSON.stringify({code, reason})}`);
            controller.close();
          },
        };
        signal.addEventListener("abort", () => server.sockets.delete(socket));
        server.sockets.add(socket);
        server.#streams.set(secret, socket);
        write(":");
      },
    });
    return new Response(body, {headers: {"Content-Type": "text/event-stream"}});
  }

  #accept(socket) {
    if (!this.up || this.broken) {
      socket.onclose({code: 1006, reason: ""});
      return;
    }
    this.sockets.add(socket);
    socket.onopen({});
  }

  #received(socket, message) {
    if (!this.sockets.has(socket)) return; // lost with the connection
    this.requests.push(message);
    const bent = this.answer(message, socket);
    if (bent === null) return;
    const reply = bent ?? this.reply(message, socket);
    if (reply) this.tell(socket, {type: "ok", id: message.id, ...reply});
  }

  /** What a server does when it is not bent. */
  reply(message, socket) {
    const {type, room} = message;
    if (type === "hello") return this.#welcome(message, socket);
    if (type === "login") return this.#login(message, socket);
    if (type === "join") return this.#join(message, socket);
    if (type === "ping") return {type: "pong"};
    if (type === "history") return this.#history(message);
    if (type === "post") return this.#post(message, socket);
    if (type === "edit") return this.#change({type: "edited", text: message.text}, message, socket);
    if (type === "delete") return this.#change({type: "deleted"}, message, socket);
    return {};
  }

  #welcome({name, token}, socket) {
    const id = token?.replace("token-", "") ?? `u-${++this.#guests}`;
    socket.by = {id, name};
    return {
      type: "welcome", user: {id, name, kind: "guest"}, epoch: this.epoch, limits: this.limits,
      time: 0, token: `token-${id}`,
    };
  }

  #join({room: asked, since, epoch}, socket) {
    const room = this.roomName(asked);
    socket.rooms.add(room);
    const log = this.log(room);
    const recovered = since !== undefined && epoch === this.epoch;
    const missed = recovered ? log.filter(({seq}) => seq > since) : log.slice(-50);
    const events = missed.slice(0, 500);
    const info = {name: room, title: room, kind: "public", head: log.at(-1)?.seq ?? 0, count: 1};
    const more = recovered && missed.length > 500;
    return {room: info, members: [{...socket.by, kind: "guest"}], events, recovered, more};
  }

  #history({room, before = Infinity, after = 0, limit = 50}) {
    const range = this.log(room).filter(({seq}) => seq > after && seq < before);
    const events = before === Infinity ? range.slice(0, limit) : range.slice(-limit);
    return {events, more: range.length > limit};
  }

  #post({room: named, to, text, key}, socket) {
    const room = named ?? `@${to}`;
    const before = this.log(room).find((event) => event.key === key);
    const {seq, at} = before ?? this.publish(room, {text, key}, socket.by);
    return {room, seq, at};
  }

  #login({name, password}, socket) {
    if (password !== "correct") return {type: "error", code: "bad_token", message: "wrong"};
    socket.by = {id: `account-${name}`, name};
    const user = {...socket.by, kind: "user"};
    const {epoch, limits} = this;
    return {type: "welcome", user, role: "owner", epoch, limits, time: 0, token: `token-account-${name}`};
  }

  #change(event, {room, seq: target}, socket) {
    const {seq, at} = this.publish(room, {...event, target}, socket.by);
    return {seq, at};
  }
}

/** Lets everything that is due happen: messages on their way, promises, no timers. */
export async function settle() {
  for (let turn = 0; turn < 30; turn++) await new Promise(setImmediate);
}
