import {byId} from "./element.js";
import {ModerationPanel, reportsInWords} from "./moderationpanel.js";
import {atLeast} from "./roles.js";

/** The way to the moderators' panel, for who moderates the server; it says how much waits there. */
export class ModerationDesk {
  #chat;
  #button = byId("moderation");
  #badge = byId("open-reports");

  /**
   * @param {import("./chatroom.js").Chatroom} chat
   * @param {object} act
   * @param {(room: string, seq: number) => void} act.jump
   * @param {(users: import("./roompeople.js").User[]) => void} act.met their names are known now
   * @param {(id: string) => string} act.nameOf
   * @param {(room: string) => string} act.titleOf
   */
  constructor(chat, act) {
    this.#chat = chat;
    this.#button.addEventListener("click", () =>
      new ModerationPanel(chat, {...act, changed: () => this.refresh()}).show());
  }

  /** Asks how many reports are open. */
  async refresh() {
    const ours = atLeast(this.#chat.role, "moderator");
    this.#button.hidden = !ours;
    if (!ours || this.#chat.state !== "online") return;
    try {
      const {reports: {length}} = await this.#chat.moderation.reports();
      this.#badge.hidden = !length;
      this.#badge.textContent = String(length);
      this.#badge.setAttribute("aria-label", reportsInWords(length));
    } catch {
      // The next look will tell.
    }
  }
}
