import {byId, element} from "./element.js";
import {counted} from "./words.js";

/** The rooms we are in, and those we could be in. */
export class RoomList {
  #yours = byId("your-rooms");
  #others = byId("other-rooms");
  #name = byId("room-name");
  #error = byId("room-error");

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
    this.#yours.addEventListener("click", ({target}) => {
      const button = target.closest("button[data-room]");
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
    const focused = document.activeElement;
    this.#yours.replaceChildren(
      ...yours.map((open) => this.#yourRoom(open, open === current, yours.length > 1)),
    );
    this.#others.replaceChildren(...others.map((room) => this.#otherRoom(room)));
    byId("others").hidden = !others.length;
    const elsewhere = yours.reduce((sum, open) => sum + (open === current ? 0 : open.unread), 0);
    byId("unread-elsewhere").hidden = !elsewhere;
    byId("unread-elsewhere").textContent = short(elsewhere);
    if (!focused.isConnected) this.#focusLike(focused);
  }

  /** Who was on a link that has been drawn anew goes on from the new one. */
  #focusLike(old) {
    const alike = (node) =>
      node.hash === old.hash && node.dataset.room === old.dataset.room && node.tagName === old.tagName;
    const nodes = byId("rooms").querySelectorAll("li a, li button");
    [...nodes].find(alike)?.focus();
  }

  #yourRoom({room, unread}, current, leavable) {
    const link = roomLink(room.name, room.title);
    if (current) link.setAttribute("aria-current", "page");
    if (unread) {
      link.classList.add("unread");
      const label = counted(unread, "unread message");
      link.append(element("span", {className: "badge", "aria-label": label}, short(unread)));
    }
    const item = element("li", {}, link);
    if (leavable) item.append(leaveButton(room));
    return item;
  }

  #otherRoom({name, title, count}) {
    const link = roomLink(name, title);
    if (count) link.append(element("span", {className: "there", title: "people there"}, short(count)));
    return element("li", {}, link);
  }
}

function roomLink(name, title) {
  const label = element("span", {className: "room-name", dir: "auto"}, title || name);
  return element("a", {href: `#${encodeURIComponent(name)}`}, label);
}

function leaveButton({name, title}) {
  return element("button", {
    type: "button", className: "leave", title: "Leave", "data-room": name,
    "aria-label": `Leave ${title || name}`,
  }, "×");
}

const short = (count) => (count > 99 ? "99+" : String(count));
