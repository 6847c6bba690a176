import {avatar, byId} from "./element.js";
import {icon} from "./icons.js";
import {openMenu} from "./menu.js";
import {counted, spanInWords} from "./words.js";

/** The head of the conversation: what the room is called, is about, and what can be done about it. */
export class RoomHeader {
  #button = byId("room-menu");
  #title = byId("room-title");
  #sign = byId("room-sign");
  #items = [];

  constructor() {
    this.#button.addEventListener("click", () => {
      openMenu(this.#button, this.#items, "Room");
    });
  }

  /**
   * @param {import("./openroom.js").OpenRoom} open
   * @param {import("./chatroom.js").RoomInfo | undefined} info
   * @param {import("./menu.js").Item[]} items of its menu
   */
  show({room, title}, info, items) {
    this.#items = items;
    this.#button.disabled = !items.length;
    setText(this.#title, title);
    this.#showSign(room.kind || info?.kind, info?.other);
    setText(byId("room-count"), this.#count(room));
    const topic = [room.topic, room.slow ? `One message every ${spanInWords(room.slow)}` : ""];
    const about = byId("room-topic");
    setText(about, topic.filter(Boolean).join(" · "));
    about.title = about.textContent;
    about.hidden = !about.textContent;
  }

  #count({kind, count}) {
    if (kind === "direct") return "Only the two of you";
    return count ? counted(count, "person", "people") : "";
  }

  #showSign(kind, other) {
    const drawn = kind === "direct" && other ? `${other.id} ${other.name}` : kind ?? "";
    if (this.#sign.dataset.drawn === drawn) return;
    this.#sign.dataset.drawn = drawn;
    const picture = other ? avatar(other) : icon(kind === "direct" ? "public" : kind || "public");
    this.#sign.replaceChildren(picture);
  }
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
