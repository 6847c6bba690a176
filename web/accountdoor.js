import {ChatroomError} from "./errors.js";

/**
 * The server's HTTP side of accounts: what sets or takes the browser's login cookie, which scripts
 * cannot read. Each request fails with a ChatroomError.
 *
 * @typedef {{id: string, name: string, role: import("./roles.js").Role}} AccountInfo
 * @typedef {object} Offer who is logged in, and who could come in
 * @property {AccountInfo | null} account
 * @property {"open" | "invited" | "closed"} signUp
 * @property {boolean} guests
 */
export class AccountDoor {
  /** @returns {Promise<Offer>} */
  async look() {
    const {account, sign_up: signUp, guests} = await ask("GET", "account");
    return {account, signUp, guests};
  }

  /** @returns {Promise<AccountInfo>} */
  async logIn(name, password) {
    return (await ask("POST", "account/login", {name, password})).account;
  }

  /** @returns {Promise<AccountInfo>} */
  async signUp(name, password, invitation) {
    return (await ask("POST", "account/sign-up", {name, password, invitation})).account;
  }

  async logOut() {
    await ask("POST", "account/logout", {});
  }

  /** @param {string} password */
  async delete(password) {
    await ask("POST", "account/delete", {password});
  }

  /**
   * A link that lets others sign up, and into a room where one is named.
   * @param {{room?: string, uses: number, days: number, role?: string}} invitation
   * @returns {Promise<string>}
   */
  async invite(invitation) {
    return (await ask("POST", "account/invitations", invitation)).link;
  }
}

async function ask(method, path, body) {
  const headers = body && {"Content-Type": "application/json"};
  let response;
  try {
    response = await fetch(path, {method, headers, body: JSON.stringify(body), cache: "no-store"});
  } catch {
    throw new ChatroomError("disconnected", "not connected");
  }
  const reply = response.status === 204 ? null : await response.json().catch(() => null);
  if (response.ok) return reply;
  throw ChatroomError.from(reply?.error ?? {code: "error", message: `the server says ${response.status}`});
}
