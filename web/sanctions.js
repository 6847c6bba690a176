import {FormDialog} from "./formdialog.js";
import {atLeast, mayRun} from "./roles.js";
import {toast} from "./toast.js";
import {inWords} from "./words.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const FOR_GOOD = {value: null, label: "For good"};
const MUTES = [{value: 10 * MINUTE, label: "10 minutes"}, {value: HOUR, label: "1 hour"}, FOR_GOOD];
const BANS = [{value: HOUR, label: "1 hour"}, {value: 24 * HOUR, label: "1 day"}, FOR_GOOD];

const REASON = {
  name: "reason", label: "Reason", hint: "Everybody in the room can read it.", maxLength: 500,
};

/**
 * What moderators do about people, each with a dialog that asks how.
 *
 * @typedef {import("./roompeople.js").User} User
 * @typedef {import("./openroom.js").OpenRoom} OpenRoom
 */
export class Sanctions {
  #chat;
  #role;

  /**
   * @param {import("./chatroom.js").Chatroom} chat
   * @param {(room: import("./room.js").Room) => import("./roles.js").Role} role ours in a room
   */
  constructor(chat, role) {
    this.#chat = chat;
    this.#role = role;
  }

  /** @param {User} user @param {OpenRoom} open */
  mute(user, open) {
    new FormDialog({
      title: `Mute ${user.name}?`,
      about: "They can read along, and say nothing.",
      fields: [{name: "lasts", label: "For how long", kind: "choice", options: MUTES},
        ...this.#where(open), REASON],
      action: "Mute",
      submit: ({lasts, everywhere, reason}) =>
        this.#scope(everywhere, open).mute(user.id, this.#terms(lasts, reason)),
    }).show();
  }

  /** @param {User} user @param {OpenRoom} open */
  ban(user, open) {
    new FormDialog({
      title: `Ban ${user.name}?`,
      about: "They are removed, and cannot come back.",
      fields: [{name: "lasts", label: "For how long", kind: "choice", options: BANS},
        ...this.#where(open), REASON,
        {name: "purge", label: "Delete their messages, too", kind: "check"}],
      action: "Ban",
      danger: true,
      submit: async ({lasts, everywhere, reason, purge}) => {
        const scope = this.#scope(everywhere, open);
        await scope.ban(user.id, this.#terms(lasts, reason));
        if (purge) await scope.purge(user.id);
      },
    }).show();
  }

  /** @param {User} user @param {OpenRoom} open */
  kick(user, {room, title}) {
    const back = room.kind === "private" ? "until they are invited again" : "though they may come back";
    new FormDialog({
      title: `Remove ${user.name} from ${title}?`,
      about: `They leave the room at once, ${back}.`,
      fields: [REASON],
      action: "Remove",
      danger: true,
      submit: ({reason}) => room.keeping.kick(user.id, reason || undefined),
    }).show();
  }

  /** @param {User} user @param {OpenRoom} open */
  unmute(user, {room}) {
    tryTo(room.keeping.unmute(user.id));
  }

  /** @param {User} user @param {OpenRoom} open @param {string} role */
  role(user, {room}, role) {
    tryTo(room.keeping.setRole(user.id, role));
  }

  /** Takes a mute or a ban back. @param {any} event the one that tells of it */
  undo({change, user}, {room}) {
    tryTo(change === "banned" ? room.keeping.unban(user.id) : room.keeping.unmute(user.id));
  }

  /** Who moderates the whole server says where. */
  #where({room, title}) {
    if (!atLeast(this.#chat.role, "moderator")) return [];
    const everywhere = {value: true, label: "On the whole server"};
    const here = {value: false, label: `In ${title}`};
    const options = mayRun(room.kind, this.#role(room)) ? [here, everywhere] : [everywhere];
    return [{name: "everywhere", label: "Where", kind: "choice", options}];
  }

  #scope(everywhere, {room}) {
    return everywhere ? this.#chat.moderation : room.keeping;
  }

  #terms(lasts, reason) {
    const until = lasts === null ? undefined : this.#chat.now() + lasts;
    return {until, reason: reason || undefined};
  }
}

/** @param {Promise<unknown>} done */
function tryTo(done) {
  done.catch((error) => toast(inWords(error)));
}
