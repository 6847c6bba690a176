import {toHash} from "./address.js";
import {arrange, avatar, byId, element} from "./element.js";
import {icon} from "./icons.js";
import {counted} from "./words.js";

/** The rooms we are in, whom we write with, and the rooms we could be in. */
export class RoomList {
  #name = byId("room-name");
  #error = byId("room-error");
  /** @type {Map<string, RoomItem>} */
  #items = new Map();

  /**
   * @param {object} act
   * @param {(name: string) => void} act.join
   * @param {(name: string) => void} act.leave
   * @param {() => void} act.create
   * @param {() => void} act.write
   */
  constructor({join, leave, create, write}) {
    byId("room-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const name = this.#name.value.trim().replace(/^#/, "");
      if (name) join(name);
      this.#name.value = "";
      this.complain("");
    });
    this.#name.addEventListener("input", () => this.complain(""));
    byId("rooms").addEventListener("click", ({target}) => {
      const button = target.closest("button.leave");
      if (button) leave(button.dataset.room);
    });
    byId("create-room").addEventListener("click", create);
    byId("write-direct").addEventListener("click", write);
  }

  /** @param {string} error why a room could not be joined */
  complain(error) {
    this.#error.textContent = error;
  }

  /** @param {ReturnType<import("./myrooms.js").MyRooms["listing"]>} listing */
  show({rooms, direct, others}) {
    const known = this.#items;
    this.#items = new Map();
    const nodes = (entries) => entries.map((entry) => {
      const item = known.get(entry.name) ?? new RoomItem(entry.name);
      this.#items.set(entry.name, item);
      item.show(entry);
      return item.node;
    });
    arrange(byId("your-rooms"), nodes(rooms));
    arrange(byId("direct-rooms"), nodes(direct));
    arrange(byId("other-rooms"), nodes(others));
    byId("others").hidden = !others.length;
    const elsewhere = [...rooms, ...direct].reduce(
      (sum, {current, unread}) => sum + (current ? 0 : unread), 0,
    );
    byId("unread-elsewhere").hidden = !elsewhere;
    byId("unread-elsewhere").textContent = short(elsewhere);
  }
}

/** One room's line, kept for as long as the room is listed. */
class RoomItem {
  #sign = element("span", {className: "sign"});
  #kind;
  #title = element("span", {className: "room-name", dir: "auto"});
  #badge = element("span", {className: "badge"});
  #there = element("span", {className: "there", title: "people there"});
  #link;
  #leave;

  /** @param {string} name */
  constructor(name) {
    this.#link = element("a", {href: toHash(name)}, this.#sign, this.#title, this.#badge, this.#there);
    this.#leave = element("button", {
      type: "button", className: "leave", "data-room": name,
    }, "×");
    this.node = element("li", {}, this.#link, this.#leave);
  }

  /** @param {import("./myrooms.js").Entry} entry */
  show({title, kind, current, unread, there = 0, leavable = false, other}) {
    this.#showKind(kind, other);
    setText(this.#title, title);
    setText(this.#badge, unread ? short(unread) : "");
    setText(this.#there, there ? short(there) : "");
    this.#badge.hidden = !unread;
    this.#there.hidden = !there;
    this.#badge.setAttribute("aria-label", counted(unread, "unread message"));
    const leaving = kind === "direct" ? "Put away" : "Leave";
    this.#leave.title = leaving;
    this.#leave.setAttribute("aria-label", `${leaving} ${title}`);
    this.#leave.hidden = !leavable;
    this.#link.classList.toggle("unread", unread > 0);
    if (current) this.#link.setAttribute("aria-current", "page");
    else this.#link.removeAttribute("aria-current");
  }

  #showKind(kind, other) {
    const drawn = `${kind} ${other?.id ?? ""} ${other?.name ?? ""}`;
    if (drawn === this.#kind) return;
    this.#kind = drawn;
    if (kind === "direct") this.#sign.replaceChildren(...other ? [avatar(other)] : []);
    else this.#sign.replaceChildren(icon(kind));
    this.#sign.title = {private: "Private", announcement: "Announcements"}[kind] ?? "";
  }
}

/** Text that stays as it is is not to be put in again: a click may be under way on it. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const short = (count) => (count > 99 ? "99+" : String(count));
