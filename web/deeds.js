import {momentInWords} from "./words.js";

const DID = {
  "room.create": "made the room",
  "room.set": "changed",
  "room.invite": "invited",
  "room.kick": "removed",
  "room.ban": "banned",
  "room.mute": "muted",
  "room.role": "gave a role to",
  ban: "banned",
  mute: "muted",
  purge: "deleted the messages of",
  "report.close": "closed report",
  password: "changed the password",
  "account.delete": "deleted the account",
};

/** The room after somebody: "in" it, where nothing else is said. */
const WHERE = {"room.invite": "to", "room.kick": "from", "room.ban": "from"};

/**
 * A line of the audit log in words.
 * @param {import("./moderation.js").Deed} deed
 * @param {{nameOf: (id: string) => string, titleOf: (room: string) => string}} known
 * @returns {(string | {name: string})[]} names apart
 */
export function deedInWords({by, what, room, subject, detail}, {nameOf, titleOf}) {
  const parts = [{name: nameOf(by)}, ` ${DID[what] ?? what}`];
  if (what === "report.close") parts.push(` ${subject}`);
  else if (subject && subject !== by) parts.push(" ", {name: nameOf(subject)});
  if (room) parts.push(subject ? ` ${WHERE[what] ?? "in"} ` : " ", {name: titleOf(room)});
  else if (what === "ban" || what === "mute" || what === "purge") parts.push(" on the whole server");
  if (detail) parts.push(`: ${detail.replace(/^until (\d+)/, (_, at) => until(Number(at)))}`);
  return parts;
}

const until = (at) => (at > Date.now() ? `until ${momentInWords(at)}` : `ended ${momentInWords(at)}`);
