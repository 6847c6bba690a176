const SILENCE = 30_000;
const PATIENCE = 10_000;

/**
 * Notices a connection that died without a word: a browser shows its own keep-alive frames to
 * nobody, and TCP may take a quarter of an hour to give up.
 */
export class Heartbeat {
  #ping;
  #dead;
  #timer;
  #heardAt = 0;

  /** @param {{ping: () => void, dead: () => void}} act */
  constructor({ping, dead}) {
    this.#ping = ping;
    this.#dead = dead;
  }

  start() {
    this.heard();
    this.#waitForSilence();
  }

  stop() {
    clearTimeout(this.#timer);
  }

  /** Something came in. Only noted down: re-arming a timer at every message would cost more. */
  heard() {
    this.#heardAt = Date.now();
  }

  /** Asks now: after a sleep, or a change of network. */
  probe() {
    clearTimeout(this.#timer);
    const asked = Date.now();
    this.#ping();
    this.#timer = setTimeout(() => {
      if (this.#heardAt < asked) this.#dead();
      else this.#waitForSilence();
    }, PATIENCE);
  }

  #waitForSilence() {
    clearTimeout(this.#timer);
    const left = this.#heardAt + SILENCE - Date.now();
    if (left <= 0) this.probe();
    else this.#timer = setTimeout(() => this.#waitForSilence(), left);
  }
}
