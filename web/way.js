import {EventSocket} from "./eventsocket.js";

/** So many connections in a row come to nothing before plain HTTP is tried. */
const DOUBT = 2;
/** The same where a WebSocket has worked before: then it is the server that is gone, most likely. */
const DOUBT_OF_THE_PROVEN = 5;

/**
 * Which way to the server: over a WebSocket, or where the network breaks those, over plain HTTP. Where
 * no WebSocket has ever worked, who has come through that way keeps to it: to find out each time that
 * a way is broken can take long.
 */
export class Way {
  #WebSocket;
  #fetch;
  #failures = 0;
  #proven = false;
  #plain = false;

  /**
   * @param {typeof WebSocket | undefined} WebSocketClass none: always over plain HTTP
   * @param {typeof fetch | undefined} fetch none: always over a WebSocket
   */
  constructor(WebSocketClass, fetch) {
    if (!WebSocketClass && !fetch) throw new TypeError("neither WebSocket nor fetch: there is no way");
    this.#WebSocket = WebSocketClass;
    this.#fetch = fetch;
  }

  /**
   * A connection on its way.
   * @param {string} url
   */
  dial(url) {
    this.#plain = this.#isPlain();
    if (!this.#plain) return new this.#WebSocket(url, ["chatroom.v1"]);
    // As a method of anything but the window, a browser's own fetch does nothing.
    const fetch = this.#fetch;
    return new EventSocket(url, (...request) => fetch(...request));
  }

  /** It came through. */
  worked() {
    this.#failures = 0;
    if (!this.#plain) this.#proven = true;
    else if (!this.#proven) this.#WebSocket = undefined;
  }

  /** Nothing was heard on it. */
  failed() {
    this.#failures++;
  }

  #isPlain() {
    if (!this.#WebSocket) return true;
    const beyond = this.#failures - (this.#proven ? DOUBT_OF_THE_PROVEN : DOUBT);
    // By turns, since it may be that neither works just now.
    return Boolean(this.#fetch) && beyond >= 0 && beyond % 2 === 0;
  }
}
