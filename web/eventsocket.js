/** How much goes into one request, in characters: well below what the server reads of one. */
const MOST = 32_768;

/**
 * Looks like a WebSocket, and says and hears the same over plain HTTP: what is sent goes by POST,
 * what comes is an event stream. For networks that break WebSockets, and where there are none.
 */
export class EventSocket {
  onopen = (_event) => {};
  onmessage = (_event) => {};
  onclose = (_event) => {};
  onerror = (_event) => {};
  #fetch;
  #sessions;
  /** Where this one is, once it is there. */
  #session = "";
  #aborting = new AbortController();
  #over = false;
  /** @type {string[]} */
  #unsent = [];
  #sending = false;

  /**
   * @param {string} url of the server's WebSockets
   * @param {typeof fetch} fetch
   */
  constructor(url, fetch) {
    this.#fetch = fetch;
    this.#sessions = sessionsOf(url);
    this.#run();
  }

  /** @param {string} text one request of the protocol */
  send(text) {
    this.#unsent.push(text);
    if (this.#session && !this.#sending) this.#sendAll();
  }

  close() {
    this.#end(1000, "");
  }

  async #run() {
    try {
      const made = await this.#ask(this.#sessions, {method: "POST", headers: JSON_BODY, body: "{}"});
      const {session} = await made.json();
      const headers = {Accept: "text/event-stream"};
      const stream = await this.#ask(`${this.#sessions}/${session}/events`, {headers, cache: "no-store"});
      this.#session = `${this.#sessions}/${session}`;
      this.onopen({});
      await this.#read(stream.body);
    } catch {
      // What there is to say has been said, or the network has gone.
    }
    this.#end(1006, "the stream has ended");
  }

  async #ask(url, options) {
    const answer = await this.#fetch(url, {...options, signal: this.#aborting.signal});
    if (answer.ok) return answer;
    const {error} = await answer.json();
    // As with WebSockets: too fast may come back, too many may not.
    const crowded = answer.status === 429 && error?.retry_after === undefined;
    this.#end(crowded ? 4429 : 1006, error?.message ?? answer.statusText);
    throw new Error(answer.statusText);
  }

  async #read(body) {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const {done, value} = await reader.read();
      if (done) return;
      const blocks = (text + decoder.decode(value, {stream: true})).split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) this.#hear(block);
    }
  }

  /** @param {string} block the lines of one event */
  #hear(block) {
    let type = "message";
    let data = ""; // Of a comment: a sign of life, which says nothing.
    for (const line of block.split("\n")) {
      if (line.startsWith("event: ")) type = line.slice(7);
      else if (line.startsWith("data: ")) data = line.slice(6);
    }
    if (type === "close") {
      const {code, reason} = JSON.parse(data);
      this.#end(code, reason);
    } else if (!this.#over) {
      this.onmessage({data});
    }
  }

  async #sendAll() {
    this.#sending = true;
    try {
      while (this.#unsent.length && !this.#over) {
        const body = `[${this.#next().join()}]`;
        await this.#ask(this.#session, {method: "POST", headers: JSON_BODY, body});
      }
    } catch {
      // Whether it has arrived, nobody knows: a new connection tells.
      this.#end(1006, "what was said may not have arrived");
    }
    this.#sending = false;
  }

  /** The first of what is unsent, in order, as far as it fits; at least one. */
  #next() {
    let size = 0;
    let count = 0;
    while (count < this.#unsent.length && (!count || size + this.#unsent[count].length <= MOST)) {
      size += this.#unsent[count++].length;
    }
    return this.#unsent.splice(0, count);
  }

  #end(code, reason) {
    if (this.#over) return;
    this.#over = true;
    this.#aborting.abort();
    // Not at once: as a WebSocket does, after who closes it has gone on.
    Promise.resolve().then(() => this.onclose({code, reason}));
  }
}

const JSON_BODY = {"Content-Type": "application/json"};

function sessionsOf(url) {
  const sessions = new URL("session", url);
  sessions.protocol = sessions.protocol.replace("ws", "http");
  return sessions.href;
}
