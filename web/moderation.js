/**
 * @typedef {{id: number, room: string, seq: number, by: string, at: number, reason: string}} Report
 * @typedef {object} Deed who did what to whom
 * @property {number} at ms since 1970
 * @property {string} by a user's id
 * @property {string} what
 * @property {string} room empty: on the whole server
 * @property {string} subject
 * @property {string} detail
 *
 * @typedef {import("./roompeople.js").User} User
 * @typedef {{until?: number, reason?: string}} Terms `until` in ms since 1970; for good without it
 */

/** An `until` that has passed: the server takes the ban or mute away. */
const PAST = 0;

/**
 * What the moderators of the whole server ask. Users are named by id or by name. Each fails with a
 * ChatroomError.
 */
export class Moderation {
  #request;

  /** @param {(type: string, fields?: object) => Promise<any>} request */
  constructor(request) {
    this.#request = request;
  }

  /** Keeps a user off the server. @param {string} user @param {Terms} [terms] */
  async ban(user, {until, reason} = {}) {
    await this.#request("ban", {user, until, reason});
  }

  /** @param {string} user */
  async unban(user) {
    await this.#request("ban", {user, until: PAST});
  }

  /** Keeps a network address off the server. @param {string} address @param {Terms} [terms] */
  async banAddress(address, {until, reason} = {}) {
    await this.#request("ban", {address, until, reason});
  }

  /** Lets a user say nothing in any room. @param {string} user @param {Terms} [terms] */
  async mute(user, {until, reason} = {}) {
    await this.#request("mute", {user, until, reason});
  }

  /** @param {string} user */
  async unmute(user) {
    await this.#request("mute", {user, until: PAST});
  }

  /** Deletes every message of a user. @param {string} user @returns {Promise<number>} how many */
  async purge(user) {
    return (await this.#request("purge", {user})).count;
  }

  /**
   * What was reported and not looked at yet, oldest first, and who the users are that did.
   * @returns {Promise<{reports: Report[], users: User[]}>}
   */
  async reports() {
    const {reports, users = []} = await this.#request("reports");
    return {reports, users};
  }

  /** It was looked at. @param {number} report its id */
  async closeReport(report) {
    await this.#request("report.close", {report});
  }

  /**
   * Who did what, newest first, and who the users are of whom it tells.
   * @param {{before?: number, limit?: number}} [range] `before` in ms since 1970
   * @returns {Promise<{deeds: Deed[], users: User[]}>}
   */
  async audit({before, limit} = {}) {
    const {deeds, users = []} = await this.#request("audit", {before, limit});
    return {deeds, users};
  }
}
