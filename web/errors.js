/** Refusals that say nothing against the request itself: the same one may succeed later. */
const TEMPORARY = new Set(["rate_limited", "unavailable", "disconnected", "timeout"]);

/** A request that was not done. `code` is the protocol's word for why. */
export class ChatroomError extends Error {
  /**
   * @param {string} code `forbidden`, `too_long`, `name_taken` …; from this side also
   *   `disconnected`, `timeout` and `discarded`
   * @param {string} [message] in words, for people
   * @param {{retryAfter?: number, closeCode?: number}} [detail] `retryAfter` in seconds
   */
  constructor(code, message, {retryAfter, closeCode} = {}) {
    super(message || code);
    this.name = "ChatroomError";
    this.code = code;
    this.retryAfter = retryAfter;
    this.closeCode = closeCode;
  }

  /** @param {{code?: string, message?: string, retry_after?: number}} reply an `error` message */
  static from(reply) {
    return new ChatroomError(reply.code ?? "error", reply.message, {retryAfter: reply.retry_after});
  }

  /** Whether the same request, sent again later, may be done. */
  get temporary() {
    return this.retryAfter !== undefined || TEMPORARY.has(this.code);
  }
}
