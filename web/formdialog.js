import {element} from "./element.js";
import {field} from "./field.js";
import {TOO_FAST, countDown, saysWhen} from "./retry.js";
import {inWords} from "./words.js";

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {string} [about] a sentence below the title
 * @property {import("./field.js").FieldInfo[]} [fields]
 * @property {string} action what the button says
 * @property {boolean} [danger]
 * @property {(values: Record<string, any>) => any} submit does it; when it fails with a
 *   ChatroomError the dialog stays open and says why
 * @property {(error: import("./errors.js").ChatroomError) => string | undefined} [blame] the name of
 *   the field that is at fault
 * @property {(error: import("./errors.js").ChatroomError) => string} [words]
 */

/** Asks for something in a dialog, and does it; closed once it is done, or given up. */
export class FormDialog {
  #dialog;
  #form;
  #error = element("p", {className: "error", role: "alert"});
  #button;
  #fields;
  #question;

  /** @param {Question} question */
  constructor(question) {
    this.#question = question;
    const {title, about, fields = [], action, danger} = question;
    this.#fields = fields.map(field);
    this.#button = element("button", {
      type: "submit", className: danger ? "danger" : "primary",
    }, action);
    const cancel = element("button", {type: "button", className: "quiet"}, "Cancel");
    cancel.addEventListener("click", () => this.close());
    const heading = element("h2", {id: newId()}, title);
    this.#form = element("form", {method: "dialog", noValidate: true}, heading);
    if (about) this.#form.append(element("p", {dir: "auto"}, about));
    this.#form.append(...this.#fields.map(({node}) => node), this.#error,
      element("div", {className: "buttons"}, cancel, this.#button));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#dialog = element("dialog", {"aria-labelledby": heading.id}, this.#form);
    this.#dialog.addEventListener("close", () => this.#dialog.remove());
  }

  show() {
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    (this.#fields[0] ?? {focus: () => this.#button.focus()}).focus();
    return this;
  }

  close() {
    this.#dialog.close();
  }

  async #submit() {
    if (this.#button.disabled || !this.#complete()) return;
    this.#complain("");
    this.#button.disabled = true;
    try {
      await this.#question.submit(Object.fromEntries(this.#fields.map((each) => [each.name, each.value])));
      this.close();
    } catch (error) {
      this.#failed(error);
    }
  }

  #complete() {
    for (const each of this.#fields) each.complain("");
    const missing = this.#fields.find((each) => each.required && !each.value);
    missing?.complain(missing.required);
    missing?.focus();
    return !missing;
  }

  #failed(error) {
    if (!error.code) throw error;
    const {blame, words = inWords} = this.#question;
    const at = this.#fields.find(({name}) => name === blame?.(error));
    const text = saysWhen(error) ? TOO_FAST : words(error);
    if (at) at.complain(text);
    else this.#complain(text);
    this.#button.disabled = false;
    if (saysWhen(error)) countDown(this.#button, error.retryAfter);
    at?.focus();
  }

  #complain(text) {
    this.#error.textContent = text;
  }
}

let ids = 0;
const newId = () => `dialog-${++ids}`;
