/** Events that came too soon are kept up to this many; the others are fetched again later. */
const EARLY = 1000;

/**
 * The order of one room's events. Hands out each `seq` exactly once, in order, without gaps;
 * what comes too soon waits here until what is missing before it has come.
 *
 * @typedef {{seq: number, at: number, type: string, room: string, by?: object}} LoggedEvent
 */
export class RoomLog {
  /** @type {number | null} */
  #seq = null;
  #head = 0;
  /** @type {Map<number, LoggedEvent>} */
  #early = new Map();

  /** The last event handed out; null before the first join. */
  get seq() {
    return this.#seq;
  }

  /** Whether the room is known to hold events after the last one handed out. */
  get behind() {
    return this.#seq !== null && this.#seq < this.#head;
  }

  /**
   * Begins anew: everything up to `seq` counts as handed out.
   * @param {number} seq
   */
  start(seq) {
    this.#seq = seq;
    this.#head = seq;
    this.#early.clear();
  }

  /**
   * The room is known to reach up to here.
   * @param {number} head
   */
  expect(head) {
    this.#head = Math.max(this.#head, head);
  }

  /**
   * @param {LoggedEvent[]} events in any order, known ones among them
   * @returns {LoggedEvent[]} those whose turn it is now
   */
  offer(events) {
    for (const event of events) {
      if (this.#seq !== null && event.seq <= this.#seq) continue;
      this.expect(event.seq);
      if (this.#early.size < EARLY || event.seq === this.#next) this.#early.set(event.seq, event);
    }
    return this.#ready();
  }

  /**
   * The server has nothing to fill the hole with: go on behind it.
   * @returns {LoggedEvent[]}
   */
  skipHole() {
    this.#seq = this.#early.size ? Math.min(...this.#early.keys()) - 1 : this.#head;
    return this.#ready();
  }

  get #next() {
    return (this.#seq ?? 0) + 1;
  }

  #ready() {
    const ready = [];
    if (this.#seq === null) return ready;
    for (let event; (event = this.#early.get(this.#next)); ready.push(event)) {
      this.#early.delete(event.seq);
      this.#seq = event.seq;
    }
    return ready;
  }
}
