import {element} from "./element.js";
import {inWords, momentInWords} from "./words.js";

const MOST = 50;
/** Milliseconds without a key until it is looked for. */
const PAUSE = 250;
const WORD = /[\p{L}\p{N}_]+/gu;
/** So much of a long message is shown before the first word that was looked for. */
const BEFORE = 60;
const LENGTH = 240;

/** Finding what was said, here or in all of our rooms. */
export class SearchPanel {
  #chat;
  #room;
  #act;
  #input = element("input", {
    id: "search-words", maxLength: 200, autocomplete: "off",
    enterKeyHint: "search", "aria-label": "Words to look for", "aria-controls": "found",
  });
  #everywhere = element("input", {type: "checkbox", id: "search-everywhere"});
  #told = element("p", {className: "note", role: "status"});
  #found = element("ul", {className: "found", id: "found"});
  #dialog;
  #timer;
  /** The request whose answer is waited for: that to an earlier one is not shown any more. */
  #asked = 0;

  /**
   * @param {import("./chatroom.js").Chatroom} chat
   * @param {string} room the one that is shown
   * @param {object} act
   * @param {(room: string, seq: number) => void} act.jump
   * @param {(room: string) => string} act.titleOf
   */
  constructor(chat, room, act) {
    this.#chat = chat;
    this.#room = room;
    this.#act = act;
    const scope = element("label", {htmlFor: "search-everywhere"}, "In all rooms that I may read");
    this.#input.placeholder = `Words said in ${act.titleOf(room)}`;
    const close = element("button", {type: "button", className: "quiet"}, "Close");
    close.addEventListener("click", () => this.#dialog.close());
    const form = element("form", {},
      element("h2", {}, "Search"), this.#input, element("div", {className: "check"}, this.#everywhere, scope),
      this.#told, this.#found, element("div", {className: "buttons"}, close));
    this.#dialog = element("dialog", {className: "wide search", "aria-label": "Search"}, form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#look();
    });
    this.#input.addEventListener("input", () => this.#lookSoon());
    this.#everywhere.addEventListener("change", () => this.#look());
    this.#dialog.addEventListener("keydown", (event) => this.#keyed(event));
    this.#dialog.addEventListener("close", () => this.#end());
  }

  show() {
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    this.#input.focus();
  }

  #end() {
    clearTimeout(this.#timer);
    this.#asked++;
    this.#dialog.remove();
  }

  #lookSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), PAUSE);
  }

  async #look() {
    clearTimeout(this.#timer);
    const asked = ++this.#asked;
    const query = this.#input.value.trim();
    if (!query.match(WORD)) {
      this.#show([], "");
      return;
    }
    const room = this.#everywhere.checked ? undefined : this.#room;
    try {
      const messages = await this.#chat.search(query, {room, limit: MOST});
      if (asked === this.#asked) this.#show(messages, toldOf(messages));
    } catch (error) {
      if (!error.code) throw error;
      if (asked === this.#asked) this.#show([], inWords(error));
    }
  }

  #show(messages, told) {
    this.#told.textContent = told;
    const words = this.#input.value.toLowerCase().match(WORD) ?? [];
    this.#found.replaceChildren(...messages.map((message) => this.#one(message, words)));
  }

  #one({room, seq, at, by, text}, words) {
    const where = this.#everywhere.checked ? [" in ", element("bdi", {}, this.#act.titleOf(room))] : [];
    const button = element("button", {type: "button"},
      element("span", {className: "about"},
        element("strong", {}, element("bdi", {}, by.name)), ...where,
        element("time", {dateTime: new Date(at).toISOString()}, momentInWords(at))),
      element("span", {className: "words", dir: "auto"}, ...marked(excerpt(text, words), words)));
    button.addEventListener("click", () => {
      this.#dialog.close();
      this.#act.jump(room, seq);
    });
    return element("li", {}, button);
  }

  /** The arrows go from one to the next; from the first one up, back to the words. */
  #keyed(event) {
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (!step) return;
    const stops = [this.#input, ...this.#found.querySelectorAll("button")];
    const next = stops[stops.indexOf(document.activeElement) + step];
    if (!next || document.activeElement === this.#everywhere) return;
    event.preventDefault();
    next.focus();
  }
}

function toldOf({length}) {
  if (!length) return "Nothing was found.";
  return length < MOST ? "" : `The newest ${MOST}; another word finds fewer.`;
}

/** The part of a long text in which the first of the words is. */
function excerpt(text, words) {
  if (text.length <= LENGTH) return text;
  const lower = text.toLowerCase();
  const places = words.map((word) => lower.indexOf(word)).filter((place) => place >= 0);
  const start = Math.max(0, Math.min(...places, text.length) - BEFORE);
  const from = places.length ? start : 0;
  const part = [...text.slice(from, from + LENGTH)].join("");
  return `${from ? "…" : ""}${part}${from + LENGTH < text.length ? "…" : ""}`;
}

/** The text, with those of its words marked that were looked for. */
function* marked(text, words) {
  let end = 0;
  for (const {0: word, index} of text.matchAll(WORD)) {
    if (!words.includes(word.toLowerCase())) continue;
    yield text.slice(end, index);
    yield element("mark", {}, word);
    end = index + word.length;
  }
  yield text.slice(end);
}
