import {atLeast, mayOwn, mayRun} from "./roles.js";

/**
 * What can be done about somebody, as items of a menu.
 * @param {import("./roompeople.js").User} user
 * @param {object} here
 * @param {import("./room.js").Room} here.room
 * @param {import("./roles.js").Role} here.role ours in it
 * @param {import("./roles.js").Role} here.serverRole ours on the whole server
 * @param {string | undefined} here.us our id
 * @param {boolean} here.muted whether we have seen them muted here
 * @param {Record<"write" | "mute" | "unmute" | "kick" | "ban" | "role", Function>} act
 * @returns {import("./menu.js").Item[]} none for ourselves
 */
export function personMenu(user, {room, role, serverRole, us, muted}, act) {
  if (user.id === us) return [];
  const {kind} = room;
  const items = [];
  if (kind !== "direct") items.push({label: `Write to ${user.name}`, act: () => act.write(user)});
  // Not even an owner of the server has a say in a private room that is another's.
  const run = mayRun(kind, role);
  const everywhere = atLeast(serverRole, "moderator");
  if (!run && !everywhere) return items;
  if (mayOwn(kind, role)) {
    items.push(
      "separator",
      {label: "Make moderator", act: () => act.role(user, "moderator")},
      {label: "Make member", act: () => act.role(user, "member")},
    );
  }
  items.push("separator");
  if (run && muted) items.push({label: "Let speak again", act: () => act.unmute(user)});
  else items.push({label: "Mute…", act: () => act.mute(user)});
  if (run) items.push({label: "Remove from room…", act: () => act.kick(user), danger: true});
  items.push({label: "Ban…", act: () => act.ban(user), danger: true});
  return items[0] === "separator" ? items.slice(1) : items;
}
