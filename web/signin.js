import {AccountDoor} from "./accountdoor.js";
import {Entrance} from "./entrance.js";
import {Identity} from "./identity.js";
import {Stored} from "./stored.js";
import {inWords} from "./words.js";

/** Refusals that another name may help against. */
const ABOUT_THE_NAME = new Set(["name_taken", "bad_request", "too_long"]);
/** How long to wait after each failed look, in ms. */
const PATIENCE = [500, 2_000, 0];
/** While the server has not said what it offers. */
const AS_EVER = {account: null, signUp: "closed", guests: true};
/** Closed with this: not known any more (CloseCode.UNIDENTIFIED). */
const UNIDENTIFIED = 4401;

/** What is to be said once the page has begun anew. */
const farewell = new Stored("sessionStorage", "chatroom.farewell", "");

/**
 * Who we are: as a guest by a name and a token, or as the owner of an account by the browser's
 * cookie. Who becomes somebody else begins with a fresh page: nothing of one person is left for
 * another to see.
 */
export class SignIn {
  door = new AccountDoor();
  /** @type {import("./accountdoor.js").Offer} */
  offer = AS_EVER;
  #chat;
  #identity = new Identity();
  /** Whom we last asked to be. */
  #name = "";
  #leaving = false;
  #entrance = new Entrance({
    guest: (name) => this.#become(name),
    logIn: async (...who) => this.#entered(await this.door.logIn(...who)),
    signUp: async (...who) => this.#entered(await this.door.signUp(...who)),
    kept: () => this.#stay(),
  });

  /** @param {import("./chatroom.js").Chatroom} chat */
  constructor(chat) {
    this.#chat = chat;
    chat.on("welcome", (welcome) => this.#welcomed(welcome));
    chat.on("state", () => this.#stateChanged());
    chat.on("token", () => this.#identity.forgetToken(this.#name));
  }

  /** The account we are logged in to. @type {import("./accountdoor.js").AccountInfo | null} */
  get account() {
    return this.offer.account;
  }

  /** Asks the server who we are here. */
  async look() {
    for (const wait of PATIENCE) {
      try {
        this.offer = await this.door.look();
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }

  /**
   * Comes in, or asks how.
   * @param {string} [invitation]
   * @returns {string} what the person should be told, if anything
   */
  start(invitation) {
    this.#entrance.know(this.offer, invitation);
    const note = farewell.value;
    farewell.value = "";
    if (this.account) {
      this.#chat.connect({name: undefined, token: undefined});
      return invitation ? "You have an account already: the invitation is for somebody new." : note;
    }
    const {name, lastName} = this.#identity;
    const inside = this.#chat.state !== "idle";
    if (name && this.offer.guests && !invitation) this.#become(name);
    else {
      const face = note ? "login" : undefined;
      this.#entrance.ask({name: inside ? "" : lastName, note, face, mayKeep: inside});
    }
    return "";
  }

  rename() {
    this.#entrance.ask({face: "guest", name: this.#identity.name ?? "", mayKeep: true});
  }

  /** @param {import("./entrance.js").Face} face */
  ask(face) {
    this.#entrance.ask({face, mayKeep: true});
  }

  async logOut() {
    this.#leaving = true;
    try {
      await this.door.logOut();
      this.#beginAnew("You are logged out.");
    } finally {
      this.#leaving = false;
    }
  }

  /** @param {string} password */
  async deleteAccount(password) {
    this.#leaving = true;
    try {
      await this.door.delete(password);
      this.#beginAnew("Your account is deleted.");
    } finally {
      this.#leaving = false;
    }
  }

  /** @param {string} name */
  #become(name) {
    this.#name = name;
    const identity = this.#identity.credentials(name);
    if (this.#chat.state === "online") this.#chat.reconnect(identity);
    else this.#chat.connect(identity);
  }

  /** Back to the name we had before trying another. */
  #stay() {
    if (this.#chat.state === "refused") this.#become(this.#identity.name);
  }

  #entered() {
    this.#identity.forget();
    location.reload();
  }

  #welcomed({user, token}) {
    if (!this.account) this.#identity.keep(user.name, token);
    else if (user.id !== this.account.id) {
      // The cookie is not good any more, and the server took us for some guest.
      this.#beginAnew("You were logged out. Log in again.");
    }
  }

  #stateChanged() {
    const {state, error} = this.#chat;
    if (state !== "refused" || this.#leaving) return;
    if (this.account && error.closeCode === UNIDENTIFIED) this.#beginAnew(inWords(error));
    else if (this.account || error.closeCode) return;
    else if (ABOUT_THE_NAME.has(error.code)) this.#askAgain(error);
    else if (error.code === "forbidden") {
      this.#entrance.ask({face: "login", note: inWords(error), name: this.#name});
    }
  }

  #askAgain(error) {
    const {name} = this.#identity;
    const mayKeep = name !== null && name !== this.#name;
    this.#entrance.ask({face: "guest", name: this.#name, error: inWords(error), mayKeep});
  }

  /** @param {string} words */
  #beginAnew(words) {
    this.#chat.close();
    for (const item of this.#chat.unsent) item.discard();
    this.#identity.forget();
    farewell.value = words;
    location.reload();
  }
}
