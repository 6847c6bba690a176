import {momentInWords, spanInWords} from "./words.js";

/**
 * What happened to a room, or to somebody's place in it, as a sentence: text, and apart from it what
 * people are called or have written, as that may run the other way.
 * @param {any} event a `member` or `room` event of the log
 * @param {string | undefined} us our id
 * @returns {(string | {name: string} | {said: string})[]}
 */
export function happening(event, us) {
  return event.type === "room" ? aboutRoom(event) : aboutMember(event, us);
}

/** Whether a moderator can take it back with one press. */
export const undoable = ({type, change}) =>
  type === "member" && (change === "muted" || change === "banned");

function aboutRoom({by, title, topic, slow}) {
  const told = [];
  if (title !== undefined) told.push(say`${by} named the room “${{said: title}}”.`);
  if (topic) told.push(say`The topic is now “${{said: topic}}”.`);
  else if (topic !== undefined) told.push(say`${by} took the topic away.`);
  if (slow) told.push([`Slow mode: one message every ${spanInWords(slow)}.`]);
  else if (slow !== undefined) told.push(["Slow mode is off."]);
  return told.flatMap((sentence, index) => (index ? [" ", ...sentence] : sentence));
}

function aboutMember(event, us) {
  const {by, user, change, role, until, reason} = event;
  const ours = user.id === us;
  const who = ours ? "You" : user;
  const were = ours ? "were" : "was";
  const whom = ours ? "you" : user;
  const end = until ? ` until ${momentInWords(until)}` : "";
  const why = reason ? say`: ${{said: reason}}` : ["."];
  const sentences = {
    joined: () => say`${who} joined.`,
    left: () => say`${who} left.`,
    invited: () => say`${who} ${were} invited by ${by}${as(role)}.`,
    kicked: () => [...say`${who} ${were} removed by ${by}`, ...why],
    banned: () => [...say`${who} ${were} banned by ${by}${end}`, ...why],
    unbanned: () => say`${by} lets ${whom} in again.`,
    muted: () => [...say`${who} ${were} muted by ${by}${end}`, ...why],
    unmuted: () => say`${by} lets ${whom} speak again.`,
    role: () => (role === "guest"
      ? say`${by} took ${ours ? "your place" : user}${ours ? "" : "’s place"} away.`
      : say`${by} made ${whom} ${withArticle(role)}.`),
  };
  return sentences[change]?.() ?? [];
}

const as = (role) => (role && role !== "member" ? ` as ${withArticle(role)}` : "");

const withArticle = (role) => (role === "owner" ? "an owner" : `a ${role}`);

/** Text as it stands, names for themselves. */
function say(texts, ...parts) {
  const apart = parts.map((part) => (part.id ? {name: part.name} : part));
  return texts.flatMap((text, index) => [text, apart[index] ?? ""]).filter((part) => part !== "");
}
