import {byId} from "./element.js";
import {inWords} from "./words.js";

/** Which of the buttons make sense in which state. */
const BUTTONS = {
  idle: ["connect"],
  connecting: ["quit"],
  online: ["quit", "reconnect"],
  waiting: ["connect", "quit"],
  refused: ["connect"],
  closed: ["connect"],
};

const COLOURS = {
  idle: "off", connecting: "busy", online: "on", waiting: "busy", refused: "bad", closed: "off",
};

/** The state of the connection, in a colour and in words, and what can be done about it. */
export class Status {
  #chat;
  #words = byId("state-words");
  #servedBy = document.querySelectorAll(".served-by");
  #node;
  #timer;

  /** @param {import("./chatroom.js").Chatroom} chat */
  constructor(chat) {
    this.#chat = chat;
    chat.on("state", () => this.show());
    chat.on("welcome", ({node}) => this.#welcomed(node));
    byId("connect").addEventListener("click", () => chat.connect());
    byId("quit").addEventListener("click", () => chat.close());
    byId("reconnect").addEventListener("click", () => chat.reconnect());
    addEventListener("offline", () => this.show());
    this.#fold();
  }

  /** @param {import("./room.js").Room} [room] the one that is open */
  show(room = this.room) {
    this.room = room;
    const {state} = this.#chat;
    const colour = this.#catchingUp() ? "busy" : this.#notLetIn() ? "bad" : COLOURS[state];
    Object.assign(byId("connection").dataset, {state, colour});
    const out = ["refused", "put out"].includes(room?.state);
    document.body.classList.toggle("offline", state !== "online" || out);
    for (const id of ["connect", "quit", "reconnect"]) {
      byId(id).disabled = !BUTTONS[state].includes(id);
    }
    this.#tell();
    this.#tellNode();
    const error = this.#notLetIn();
    byId("banner").textContent = error ? inWords(error) : "";
    byId("banner").hidden = !error;
  }

  /** @param {string} [node] which of several servers it is, where they have names */
  #welcomed(node) {
    this.#node = node;
    this.#tellNode();
  }

  #tellNode() {
    const shown = this.#chat.state === "online" && this.#node;
    for (const place of this.#servedBy) {
      place.hidden = !shown;
      place.textContent = place.title = shown ? `served by ${this.#node}` : "";
    }
  }

  /** Why not, where the server or the room has refused us. */
  #notLetIn() {
    const {state, error} = this.#chat;
    if (state === "online" && this.room?.state === "refused") return this.room.error;
    return state === "refused" ? error : null;
  }

  #catchingUp() {
    const state = this.room?.state;
    return this.#chat.state === "online" && (state === "joining" || state === "catching up");
  }

  #tell() {
    clearTimeout(this.#timer);
    const words = this.#inWords();
    this.#words.textContent = words;
    // A countdown is not to be read out second by second.
    const heard = words.replace(/ in \d+ s/, "…");
    if (byId("state-heard").textContent !== heard) byId("state-heard").textContent = heard;
    if (this.#chat.state === "waiting") this.#timer = setTimeout(() => this.#tell(), 500);
  }

  #inWords() {
    const {state, retryAt} = this.#chat;
    if (this.#catchingUp()) return "Catching up…";
    if (this.#notLetIn()) return "Not let in";
    if (state === "waiting") {
      if (!navigator.onLine) return "No network";
      const seconds = Math.ceil((retryAt - Date.now()) / 1000);
      return seconds > 1 ? `Reconnecting in ${seconds} s` : "Reconnecting…";
    }
    return {
      idle: "Not connected",
      connecting: "Connecting…",
      online: "Connected",
      closed: "Disconnected",
    }[state];
  }

  /** Where there is no room for the buttons, the words open them. */
  #fold() {
    const connection = byId("connection");
    const button = byId("state");
    const fold = (open) => {
      connection.classList.toggle("open", open);
      button.setAttribute("aria-expanded", String(open));
    };
    button.addEventListener("click", () => fold(!connection.classList.contains("open")));
    document.addEventListener("pointerdown", (event) => {
      if (!connection.contains(event.target)) fold(false);
    });
    byId("actions").addEventListener("click", () => fold(false));
    connection.addEventListener("keydown", (event) => {
      if (event.key === "Escape") fold(false);
    });
  }
}
