import {avatar, byId, element} from "./element.js";
import {counted} from "./words.js";

const byName = new Intl.Collator(undefined, {sensitivity: "base"}).compare;
const KINDS = {app: "app", bot: "bot", device: "device"};

/** Who is in the room that is shown, ourselves first; each with a menu. */
export class PeopleList {
  /** @param {(user: import("./roompeople.js").User, button: HTMLElement) => void} menu opens it */
  constructor(menu) {
    byId("members").addEventListener("click", ({target}) => {
      const button = target.closest("button.person");
      if (button) menu(this.#users.get(button.dataset.user), button);
    });
  }

  #users = new Map();

  /**
   * @param {import("./room.js").Room} room
   * @param {import("./roompeople.js").User | undefined} us
   * @param {import("./roompeople.js").User} [other] who a direct room is with, there or not
   */
  show({members, count}, us, other) {
    this.#users = new Map(members);
    if (other && !this.#users.has(other.id)) this.#users.set(other.id, other);
    const people = [...this.#users.values()].sort(
      (one, two) => (two.id === us?.id) - (one.id === us?.id) || byName(one.name, two.name),
    );
    const focused = document.activeElement?.closest("#members button")?.dataset.user;
    byId("members").replaceChildren(...people.map((user) => person(user, user.id === us?.id)));
    if (focused) document.querySelector(`#members [data-user="${CSS.escape(focused)}"]`)?.focus();
    const shown = other ? people.length : count;
    byId("people-count").textContent = shown ? String(shown) : "";
    const others = count - members.size;
    byId("others-there").textContent = others > 0 ? `and ${counted(others, "other")}` : "";
  }
}

function person(user, ours) {
  const name = element("bdi", {className: "name"}, user.name);
  const note = ours ? "you" : KINDS[user.kind];
  const parts = [avatar(user), name, ...note ? [element("span", {className: "note"}, note)] : []];
  if (ours) return element("li", {className: "person"}, ...parts);
  return element("li", {}, element("button", {
    type: "button", className: "person", "aria-haspopup": "menu", "data-user": user.id,
  }, ...parts));
}
