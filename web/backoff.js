const FIRST = 500;
const LONGEST = 15_000;
/** How long a connection must have lasted before the next loss counts as the first again. */
const STABLE = 5_000;

/**
 * How long to wait before connecting again (all in milliseconds): half a second, doubling up to
 * 15 s, between half and all of it, so that the members of a server that was gone do not all
 * come back in the same instant.
 */
export class Backoff {
  #losses = 0;
  #since = Infinity;

  /** The connection is up. */
  succeeded() {
    this.#since = Date.now();
  }

  /**
   * The connection is lost, or was not made.
   * @param {number} [asked] what the server asked for: at least this long
   */
  lost(asked) {
    // A server that welcomes and hangs up at once must not be asked twice a second for ever.
    if (Date.now() - this.#since >= STABLE) this.#losses = 0;
    this.#since = Infinity;
    const spread = Math.min(LONGEST, FIRST * 2 ** this.#losses++);
    if (asked !== undefined) return asked + Math.random() * FIRST * 2;
    return spread * (0.5 + Math.random() / 2);
  }

  /** Somebody acts: the next wait is short again. */
  reset() {
    this.#losses = 0;
  }
}

/**
 * Whether a client closed with this code may come back as it is.
 * @param {number} code a WebSocket close code
 */
export function mayComeBack(code) {
  if (code >= 4400 && code <= 4499) return false;
  // RFC 6455, 7.4.1: the peer objects to what we send; sending it again would not please it more.
  return ![1002, 1003, 1007, 1008, 1009, 1010].includes(code);
}
