import {arrange, byId, element} from "./element.js";
import {counted} from "./words.js";

/** The rooms we are in, and those we could be in. */
export class RoomList {
  #name = byId("room-name");
  #error = byId("room-error");
  /** @type {Map<string, RoomItem>} */
  #items = new Map();

  /**
   * @param {object} act
   * @param {(name: string) => void} act.join
   * @param {(name: string) => void} act.leave
   */
  constructor({join, leave}) {
    byId("room-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const name = this.#name.value.trim().replace(/^#/, "");
      if (name) join(name);
      this.#name.value = "";
      this.complain("");
    });
    this.#name.addEventListener("input", () => this.complain(""));
    byId("your-rooms").addEventListener("click", ({target}) => {
      const button = target.closest("button.leave");
      if (button) leave(button.dataset.room);
    });
  }

  /** @param {string} error why a room could not be joined */
  complain(error) {
    this.#error.textContent = error;
  }

  /**
   * @param {Iterable<import("./openroom.js").OpenRoom>} opens
   * @param {import("./openroom.js").OpenRoom | null} current
   * @param {import("./chatroom.js").RoomInfo[]} others
   */
  show(opens, current, others) {
    const yours = [...opens];
    const known = this.#items;
    this.#items = new Map();
    const item = (room, about) => {
      const each = known.get(room.name) ?? new RoomItem(room.name);
      this.#items.set(room.name, each);
      each.show({title: room.title || room.name, ...about});
      return each.node;
    };
    const leavable = yours.length > 1;
    arrange(byId("your-rooms"), yours.map((open) =>
      item(open.room, {current: open === current, unread: open.unread, leavable})));
    arrange(byId("other-rooms"), others.map((room) => item(room, {there: room.count})));
    byId("others").hidden = !others.length;
    const elsewhere = yours.reduce((sum, open) => sum + (open === current ? 0 : open.unread), 0);
    byId("unread-elsewhere").hidden = !elsewhere;
    byId("unread-elsewhere").textContent = short(elsewhere);
  }
}

/** One room's line, kept for as long as the room is listed. */
class RoomItem {
  #title = element("span", {className: "room-name", dir: "auto"});
  #badge = element("span", {className: "badge"});
  #there = element("span", {className: "there", title: "people there"});
  #link;
  #leave;

  /** @param {string} name */
  constructor(name) {
    const href = `#${encodeURIComponent(name)}`;
    this.#link = element("a", {href}, this.#title, this.#badge, this.#there);
    this.#leave = element("button", {
      type: "button", className: "leave", title: "Leave", "data-room": name,
    }, "×");
    this.node = element("li", {}, this.#link, this.#leave);
  }

  show({title, current = false, unread = 0, there = 0, leavable = false}) {
    setText(this.#title, title);
    setText(this.#badge, unread ? short(unread) : "");
    setText(this.#there, there ? short(there) : "");
    this.#badge.hidden = !unread;
    this.#there.hidden = !there;
    this.#badge.setAttribute("aria-label", counted(unread, "unread message"));
    this.#leave.setAttribute("aria-label", `Leave ${title}`);
    this.#leave.hidden = !leavable;
    this.#link.classList.toggle("unread", unread > 0);
    if (current) this.#link.setAttribute("aria-current", "page");
    else this.#link.removeAttribute("aria-current");
  }
}

/** Text that stays as it is is not to be put in again: a click may be under way on it. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const short = (count) => (count > 99 ? "99+" : String(count));
