import {byId} from "./element.js";

/** So few characters left before the limit is worth showing. */
const SHOWN_BELOW = 0.1;

/** Where messages are written, and written anew. Enter sends, Shift+Enter makes a new line. */
export class Composer {
  #text = byId("text");
  #send = byId("send");
  #left = byId("left");
  #editing = byId("editing");
  #limit = Infinity;
  /** @type {import("./openroom.js").OpenRoom | null} */
  #open = null;
  /** The message being edited. @type {import("./timeline.js").Message | null} */
  #message = null;
  #posted;

  /** @param {{posted: () => void}} act */
  constructor({posted}) {
    this.#posted = posted;
    this.#text.addEventListener("input", () => this.#typed());
    this.#text.addEventListener("keydown", (event) => this.#keyed(event));
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    byId("stop-editing").addEventListener("click", () => this.stopEditing());
    // Otherwise a tap on the button takes the focus, and a phone's keyboard goes away.
    this.#send.addEventListener("pointerdown", (event) => event.preventDefault());
  }

  /** @param {number} [limit] characters a message may have; 0 or nothing: any number */
  set limit(limit) {
    this.#limit = limit || Infinity;
    this.#measure();
  }

  /** @param {import("./openroom.js").OpenRoom} open */
  show(open) {
    this.stopEditing();
    if (this.#open) this.#open.draft = this.#text.value;
    this.#open = open;
    this.#text.placeholder = `Message ${open.room.title || open.room.name}`;
    this.#fill(open.draft);
    this.focus();
  }

  focus() {
    // On a touch screen it would open the keyboard over what one came to read.
    if (matchMedia("(pointer: fine)").matches) this.#text.focus();
  }

  /** @param {import("./timeline.js").Message} message */
  edit(message) {
    if (!this.#message) this.#open.draft = this.#text.value;
    this.#message = message;
    this.#editing.hidden = false;
    this.#fill(message.text);
    this.#text.focus();
  }

  stopEditing() {
    if (!this.#message) return;
    this.#message = null;
    this.#editing.hidden = true;
    this.#fill(this.#open.draft);
  }

  #submit() {
    const text = this.#text.value.trim();
    if (this.#send.disabled) return;
    if (this.#message) {
      if (text !== this.#message.text) this.#open.room.edit(this.#message.seq, text);
      this.stopEditing();
      return;
    }
    this.#open.room.post(text);
    this.#fill("");
    this.#posted();
  }

  #typed() {
    this.#measure();
    if (!this.#message) this.#open?.room.typing(this.#text.value.trim() !== "");
  }

  #keyed(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "Escape" && this.#message) {
      this.stopEditing();
    } else if (event.key === "ArrowUp" && !this.#text.value && !this.#message) {
      const message = this.#open?.lastOwn;
      if (!message) return;
      event.preventDefault();
      this.edit(message);
    }
  }

  #fill(text) {
    this.#text.value = text;
    this.#measure();
  }

  #measure() {
    const left = this.#limit - [...this.#text.value.trim()].length;
    this.#left.textContent = left < this.#limit * SHOWN_BELOW ? String(left) : "";
    this.#left.classList.toggle("over", left < 0);
    this.#send.disabled = !this.#open || !this.#text.value.trim() || left < 0;
    this.#text.style.height = "auto";
    this.#text.style.height = `${this.#text.scrollHeight}px`;
  }
}
