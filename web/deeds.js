import {momentInWords} from "./words.js";

const DID = {
  "room.create": "made the room",
  "room.set": "changed",
  "room.invite": "invited",
  "room.kick": "put out",
  "room.ban": "banned",
  "room.mute": "muted",
  "room.role": "gave a role to",
  ban: "banned",
  mute: "muted",
  purge: "deleted the messages of",
  "report.close": "closed report",
  password: "changed the password of",
  "account.delete": "deleted the account of",
};

/**
 * A line of the audit log in words.
 * @param {import("./moderation.js").Deed} deed
 * @param {{nameOf: (id: string) => string, titleOf: (room: string) => string}} known
 * @returns {(string | {name: string})[]} names apart
 */
export function deedInWords({by, what, room, subject, detail}, {nameOf, titleOf}) {
  const parts = [{name: nameOf(by)}, ` ${DID[what] ?? what}`];
  const own = subject === by;
  if (what === "report.close") parts.push(` ${subject}`);
  else if (own) parts.push(" themselves");
  else if (subject) parts.push(" ", {name: nameOf(subject)});
  if (room) parts.push(subject ? " in " : " ", {name: titleOf(room)});
  else if (what === "ban" || what === "mute" || what === "purge") parts.push(" on the whole server");
  if (detail) parts.push(`: ${detail.replace(/^until (\d+)/, (_, at) => until(Number(at)))}`);
  return parts;
}

const until = (at) => (at > Date.now() ? `until ${momentInWords(at)}` : `ended ${momentInWords(at)}`);
