/** Refusals that say nothing against the request itself: the same one may succeed later. */
const TEMPORARY = new Set(["rate_limited", "unavailable", "disconnected", "timeout"]);
/** Refusals that end some time, and still are about who asks: nothing to wait for in silence. */
const PERSONAL = new Set(["banned", "muted"]);

/** A request that was not done. `code` is the protocol's word for why. */
export class ChatroomError extends Error {
  /**
   * @param {string} code `forbidden`, `too_long`, `name_taken` …; from this side also
   *   `disconnected`, `timeout`, `discarded` and `kicked`
   * @param {string} [message] in words, for people
   * @param {object} [detail]
   * @param {number} [detail.retryAfter] seconds
   * @param {number} [detail.closeCode]
   * @param {number} [detail.until] when it ends, in ms since 1970
   * @param {{id: string, name: string}} [detail.by] who did it
   */
  constructor(code, message, {retryAfter, closeCode, until, by} = {}) {
    super(message || code);
    this.name = "ChatroomError";
    this.code = code;
    this.retryAfter = retryAfter;
    this.closeCode = closeCode;
    this.until = until;
    this.by = by;
  }

  /** @param {{code?: string, message?: string, retry_after?: number}} reply an `error` message */
  static from(reply) {
    const {code = "error", message, retry_after: retryAfter} = reply;
    const ends = PERSONAL.has(code) && retryAfter !== undefined;
    const until = ends ? Date.now() + retryAfter * 1000 : undefined;
    return new ChatroomError(code, message, {retryAfter, until});
  }

  /** Whether the same request, sent again later, may be done. */
  get temporary() {
    if (PERSONAL.has(this.code)) return false;
    return this.retryAfter !== undefined || TEMPORARY.has(this.code);
  }
}
