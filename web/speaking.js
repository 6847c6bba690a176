import {atLeast, maySpeak} from "./roles.js";
import {inWords, momentInWords, spanInWords} from "./words.js";

/**
 * Whether we may write in a room now, and if not, why.
 * @param {import("./room.js").Room} room
 * @param {import("./roles.js").Role} role ours there
 * @param {number} now the server's time, in ms since 1970
 * @returns {{closed?: string, wait?: string, back?: boolean, until?: number}} `closed`: nothing can
 *   be written; `wait`: written, but not sent yet; `until` when that ends, in ms; `back`: one may come
 *   in again
 */
export function speaking(room, role, now) {
  if (room.state === "put out") {
    const back = room.error.code === "kicked" && room.kind !== "private";
    return {closed: inWords(room.error), back};
  }
  if (room.state === "refused") return {closed: "You are not in this room."};
  if (!maySpeak(room.kind, role)) {
    return {closed: "Only moderators write in this room. You can read along."};
  }
  const {muted} = room;
  if (muted) {
    const end = muted.until ? ` until ${momentInWords(muted.until)}` : "";
    const why = muted.reason ? `: ${muted.reason}` : ".";
    return {closed: `You are muted${end}${why}`, until: muted.until ?? undefined};
  }
  const left = Math.ceil((room.nextPostAt - now) / 1000);
  if (left > 0 && !atLeast(role, "moderator")) {
    return {wait: `Slow mode: next message in ${spanInWords(left)}`, until: room.nextPostAt};
  }
  return {};
}
