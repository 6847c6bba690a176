/** @typedef {import("./moderation.js").Terms} Terms */

/** An `until` that has passed: the server takes the ban or mute away. */
const PAST = 0;

/** What those who run one room ask about it. Users are named by id or by name. */
export class RoomKeeping {
  #ask;

  /** @param {(type: string, fields?: object) => Promise<any>} ask a request about the room */
  constructor(ask) {
    this.#ask = ask;
  }

  /**
   * Another title or topic, or another pace.
   * @param {{title?: string, topic?: string, slow?: number}} changes `slow`: seconds between two
   *   posts of one member, 0 for none
   */
  async set({title, topic, slow}) {
    await this.#ask("room.set", {title, topic, slow});
  }

  /** Gives somebody a place. @param {string} user @param {string} [role] */
  async invite(user, role) {
    await this.#ask("room.invite", {user, role});
  }

  /** Gives somebody another role; `guest` takes their place away. @param {string} user */
  async setRole(user, role) {
    await this.#ask("room.role", {user, role});
  }

  /** Puts somebody out. @param {string} user @param {string} [reason] */
  async kick(user, reason) {
    await this.#ask("room.kick", {user, reason});
  }

  /** Puts somebody out, and keeps them out. @param {string} user @param {Terms} [terms] */
  async ban(user, {until, reason} = {}) {
    await this.#ask("room.ban", {user, until, reason});
  }

  /** @param {string} user */
  async unban(user) {
    await this.#ask("room.ban", {user, until: PAST});
  }

  /** Lets somebody listen only. @param {string} user @param {Terms} [terms] */
  async mute(user, {until, reason} = {}) {
    await this.#ask("room.mute", {user, until, reason});
  }

  /** @param {string} user */
  async unmute(user) {
    await this.#ask("room.mute", {user, until: PAST});
  }

  /** Deletes every message of a user in the room. @param {string} user */
  async purge(user) {
    return (await this.#ask("purge", {user})).count;
  }
}
