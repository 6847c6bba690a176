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
  #speaking;
  #closed = byId("closed");
  #wait = byId("wait");
  #waiting = false;
  #timer;

  /**
   * @param {object} act
   * @param {() => void} act.posted
   * @param {(open: import("./openroom.js").OpenRoom) => void} act.comeBack
   * @param {(open: import("./openroom.js").OpenRoom) => ReturnType<typeof
   *   import("./speaking.js").speaking>} act.speaking whether we may write there now
   */
  constructor({posted, comeBack, speaking}) {
    this.#posted = posted;
    byId("come-back").addEventListener("click", () => comeBack(this.#open));
    this.#speaking = speaking;
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
    this.#fill(open.draft);
    this.heed();
    this.focus();
  }

  /** Whether we may write, or must wait, may have changed. */
  heed() {
    clearTimeout(this.#timer);
    if (!this.#open) return;
    const {closed = "", wait = "", back = false, until} = this.#speaking(this.#open);
    const field = byId("field");
    if (closed && !field.hidden) this.stopEditing();
    this.#text.placeholder = `Message ${this.#open.title}`;
    field.hidden = Boolean(closed);
    this.#closed.hidden = !closed;
    const words = byId("closed-words");
    if (words.textContent !== closed) words.textContent = closed;
    byId("come-back").hidden = !back;
    this.#wait.textContent = wait;
    this.#waiting = Boolean(wait);
    if (until) this.#timer = setTimeout(() => this.heed(), wait ? 250 : 1000);
    this.#measure();
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
    if (this.#send.disabled || this.#text.closest("[hidden]")) return;
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
    const waits = this.#waiting && !this.#message;
    this.#send.disabled = !this.#open || !this.#text.value.trim() || left < 0 || waits;
    this.#text.style.height = "auto";
    this.#text.style.height = `${this.#text.scrollHeight}px`;
  }
}
