import {byId} from "./element.js";
import {TOO_FAST, countDown, saysWhen} from "./retry.js";
import {inWords} from "./words.js";

/**
 * @typedef {"guest" | "login" | "signup"} Face
 * @typedef {import("./accountdoor.js").Offer} Offer
 */

const TITLES = {
  guest: "Pick a name and talk",
  login: "Log in",
  signup: "Make an account",
};

/** Where one comes in: as a guest with a name, with an account, or making one. */
export class Entrance {
  #dialog = byId("entrance");
  #note = byId("entrance-note");
  #act;
  /** @type {Offer} */
  #offer = {account: null, signUp: "closed", guests: true};
  /** @type {string | undefined} */
  #invitation;
  #mayKeep = false;

  /**
   * @param {object} act
   * @param {(name: string) => void} act.guest
   * @param {(name: string, password: string) => Promise<void>} act.logIn
   * @param {(name: string, password: string, invitation?: string) => Promise<void>} act.signUp
   * @param {() => void} act.kept the person would rather stay who they were
   */
  constructor(act) {
    this.#act = act;
    this.#onSubmit("guest", () => this.#asGuest());
    this.#onSubmit("login", () => this.#logIn());
    this.#onSubmit("signup", () => this.#signUp());
    this.#dialog.addEventListener("click", ({target}) => {
      if (target.dataset.face) this.#turn(target.dataset.face);
      else if ("keeps" in target.dataset) this.#keep();
      else if ("shows" in target.dataset) this.#showPassword(target);
    });
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault(); // without a name there is nothing behind the dialog
      if (this.#mayKeep) this.#keep();
    });
    this.#dialog.addEventListener("input", ({target}) => this.#complain(target, ""));
  }

  /**
   * @param {Offer} offer
   * @param {string} [invitation] an invitation's token
   */
  know(offer, invitation) {
    this.#offer = offer;
    this.#invitation = invitation;
  }

  get #maySignUp() {
    return this.#offer.signUp === "open" || Boolean(this.#invitation);
  }

  /**
   * @param {object} [how]
   * @param {Face} [how.face] the one that fits, when not given
   * @param {string} [how.name] to suggest
   * @param {string} [how.error] what is wrong with the name
   * @param {string} [how.note] what has happened
   * @param {boolean} [how.mayKeep] whether one can go back to who one was
   */
  ask({face, name = "", error = "", note = "", mayKeep = false} = {}) {
    this.#mayKeep = mayKeep;
    for (const button of this.#dialog.querySelectorAll("[data-keeps]")) button.hidden = !mayKeep;
    for (const id of ["name", "login-name", "signup-name"]) byId(id).value = name;
    for (const input of this.#dialog.querySelectorAll("[type=password]")) input.value = "";
    this.#note.textContent = note;
    this.#turn(face ?? this.#fitting());
    if (error) this.#complain(byId("name"), error);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#focus();
  }

  close() {
    this.#dialog.close();
  }

  /** @returns {Face} */
  #fitting() {
    if (this.#invitation) return "signup";
    return this.#offer.guests ? "guest" : "login";
  }

  /** @param {Face} face */
  #turn(face) {
    const {guests, signUp} = this.#offer;
    for (const each of Object.keys(TITLES)) byId(`${each}-form`).hidden = each !== face;
    for (const link of this.#dialog.querySelectorAll("[data-face]")) {
      const offered = {guest: guests, login: true, signup: this.#maySignUp}[link.dataset.face];
      link.hidden = !offered || link.dataset.face === face;
    }
    byId("by-invitation").hidden = face !== "login" || this.#maySignUp || signUp === "closed";
    byId("invited").hidden = !this.#invitation;
    const renaming = face === "guest" && this.#mayKeep;
    byId("entrance-title").textContent = renaming ? "Change your name" : TITLES[face];
    for (const input of this.#dialog.querySelectorAll("input")) this.#complain(input, "");
    if (this.#dialog.open) this.#focus();
  }

  #focus() {
    const form = this.#dialog.querySelector("form:not([hidden])");
    const inputs = [...form.querySelectorAll("input")];
    (inputs.find(({value}) => !value) ?? inputs[0]).select();
  }

  #onSubmit(face, act) {
    byId(`${face}-form`).addEventListener("submit", (event) => {
      event.preventDefault();
      if (!event.target.querySelector(".primary").disabled) act();
    });
  }

  #asGuest() {
    const name = byId("name").value.trim();
    if (!name) {
      this.#complain(byId("name"), "A name is needed, any name.");
      return;
    }
    this.close();
    this.#act.guest(name);
  }

  #logIn() {
    const [name, password] = [byId("login-name"), byId("login-password")];
    this.#try("login", [name, password], () => this.#act.logIn(name.value.trim(), password.value));
  }

  #signUp() {
    const [name, password] = [byId("signup-name"), byId("signup-password")];
    this.#try("signup", [name, password], () =>
      this.#act.signUp(name.value.trim(), password.value, this.#invitation));
  }

  async #try(face, inputs, act) {
    const [name, password] = inputs;
    const missing = inputs.find(({value}) => !value.trim());
    if (missing) {
      this.#complain(missing, missing === name ? "A name is needed." : "A password is needed.");
      missing.focus();
      return;
    }
    const button = byId(`${face}-form`).querySelector(".primary");
    button.disabled = true;
    try {
      await act();
      this.close();
      password.value = "";
      button.disabled = false;
    } catch (error) {
      button.disabled = false;
      if (!error.code) throw error;
      this.#refused(face, error, name, password, button);
    }
  }

  #refused(face, error, name, password, button) {
    const input = aboutPassword(error, face) ? password : name;
    this.#complain(input, saysWhen(error) ? TOO_FAST : inWords(error));
    if (saysWhen(error)) countDown(button, error.retryAfter);
    input.select();
  }

  #showPassword(button) {
    const input = byId(button.dataset.shows);
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    button.textContent = shown ? "Show" : "Hide";
    button.setAttribute("aria-pressed", String(!shown));
    input.focus();
  }

  #keep() {
    this.close();
    this.#act.kept();
  }

  #complain(input, error) {
    const place = byId(`${input.id}-error`);
    if (!place) return;
    place.textContent = error;
    input.setAttribute("aria-invalid", String(Boolean(error)));
  }
}

/** At which field the server's refusal is to be read. */
function aboutPassword({code, message}, face) {
  if (face === "login") return true;
  return code === "rate_limited" || (code === "bad_request" && /password/i.test(message));
}
