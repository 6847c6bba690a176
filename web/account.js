/**
 * @typedef {object} Device where somebody is logged in
 * @property {string} id
 * @property {string} client what was connecting: a browser's name for itself
 * @property {string} address
 * @property {number} created ms since 1970, as are the others
 * @property {number} seen
 * @property {number} until
 * @property {boolean} current whether it is this one
 */

/** What the owner of an account asks about it. Each fails with a ChatroomError. */
export class Account {
  #request;

  /** @param {(type: string, fields?: object) => Promise<any>} request */
  constructor(request) {
    this.#request = request;
  }

  /** Where the account is logged in, newest first. @returns {Promise<Device[]>} */
  async sessions() {
    return (await this.#request("sessions")).sessions;
  }

  /**
   * Logs a device out.
   * @param {string} [session] its id; all but this one without
   */
  async endSession(session) {
    await this.#request("session.end", {session});
  }

  /** Logs this device out; the server then hangs up. */
  async logOut() {
    await this.#request("logout");
  }

  /**
   * Logs all other devices out, too.
   * @param {string} old
   * @param {string} wanted
   */
  async changePassword(old, wanted) {
    await this.#request("password", {old, new: wanted});
  }

  /** The messages stay, the name goes. @param {string} password */
  async delete(password) {
    await this.#request("account.delete", {password});
  }
}
