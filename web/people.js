import {avatar, byId, element} from "./element.js";
import {counted} from "./words.js";

const byName = new Intl.Collator(undefined, {sensitivity: "base"}).compare;
const KINDS = {app: "app", bot: "bot", device: "device"};

/**
 * Shows who is in a room, ourselves first.
 * @param {import("./room.js").Room} room
 * @param {import("./room.js").User | null} us
 */
export function showPeople({members, count}, us) {
  const people = [...members.values()].sort(
    (one, other) => (other.id === us?.id) - (one.id === us?.id) || byName(one.name, other.name),
  );
  byId("members").replaceChildren(...people.map((user) => person(user, user.id === us?.id)));
  byId("people-count").textContent = count ? String(count) : "";
  const others = count - people.length;
  byId("others-there").textContent = others > 0 ? `and ${counted(others, "other")}` : "";
}

function person(user, ours) {
  const item = element("li", {}, avatar(user), element("bdi", {className: "name"}, user.name));
  const note = ours ? "you" : KINDS[user.kind];
  if (note) item.append(element("span", {className: "note"}, note));
  return item;
}
