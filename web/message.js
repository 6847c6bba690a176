import {avatar, element} from "./element.js";
import {happening, undoable} from "./happening.js";
import {icon} from "./icons.js";
import {linkify} from "./linkify.js";
import {inWords} from "./words.js";

const clock = new Intl.DateTimeFormat(undefined, {hour: "2-digit", minute: "2-digit"});
const day = new Intl.DateTimeFormat(undefined, {weekday: "long", day: "numeric", month: "long"});
const dayAndYear = new Intl.DateTimeFormat(undefined, {dateStyle: "long"});
const precise = new Intl.DateTimeFormat(undefined, {dateStyle: "medium", timeStyle: "medium"});

const MINUTE = 60_000;

/**
 * What belongs together: the same author's messages, each within a minute of the one before.
 * @param {any} item
 * @param {any} before
 */
export function sameGroup(item, before) {
  return Boolean(before) && item.kind === "message" && before.kind === "message" &&
    item.by.id === before.by.id && item.at - before.at < MINUTE && sameDay(item, before);
}

/** @param {{at: number}} item @param {{at: number} | null} before */
export function sameDay(item, before) {
  return Boolean(before) && new Date(item.at).toDateString() === new Date(before.at).toDateString();
}

/** @param {number} at */
export function dayInWords(at) {
  const date = new Date(at);
  const today = new Date();
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (date.toDateString() === today.toDateString()) return "Today";
  if (date.toDateString() === yesterday.toDateString()) return "Yesterday";
  return (date.getFullYear() === today.getFullYear() ? day : dayAndYear).format(date);
}

/**
 * Draws a message, or draws it again.
 * @param {HTMLElement} node
 * @param {import("./timeline.js").Message} message
 * @param {object} about
 * @param {boolean} about.ours
 * @param {import("./outbox.js").Unsent} [about.change] on its way
 * @param {string} about.us our id
 * @param {boolean} about.mayReact
 * @param {(tally: import("./timeline.js").Tally) => string} about.whoReacted
 */
export function drawMessage(node, message, about) {
  const {ours, change, mayReact} = about;
  node.className = `message${ours ? " ours" : ""}${change ? " changing" : ""}`;
  node.dataset.seq = String(message.seq);
  delete node.dataset.key;
  const text = change?.op === "edit" ? change.fields.text : message.text;
  const bubble = element("div", {className: "bubble", title: precise.format(message.at)});
  if (message.deleted) {
    node.classList.add("deleted");
    bubble.append("Message deleted");
  } else {
    bubble.append(textNode(text));
    if (message.edited) bubble.append(editedMark(message.edited));
  }
  node.replaceChildren(byline(message, ours), bubble);
  if (!ours) node.prepend(avatar(message.by));
  if (message.reactions.length) node.append(reactions(message.reactions, about));
  if (!message.deleted) node.append(ours ? ourTools(mayReact) : othersTools(message.by.name, mayReact));
  if (change) node.append(progress(change));
}

/**
 * @param {HTMLElement} node
 * @param {import("./outbox.js").Unsent} post
 */
export function drawUnsent(node, post) {
  node.className = `message ours unsent ${post.state}`;
  node.dataset.key = post.key;
  const bubble = element("div", {className: "bubble"}, textNode(post.fields.text));
  const by = {id: "", name: "You"};
  node.replaceChildren(byline({by, at: post.at}, true), bubble, progress(post));
}

/**
 * @param {HTMLElement} node
 * @param {import("./timeline.js").Happening} item
 * @param {{us: string | undefined, mayUndo: boolean}} about
 */
export function drawHappening(node, {seq, at, event}, {us, mayUndo}) {
  node.className = "happening";
  node.dataset.seq = String(seq);
  const parts = happening(event, us).map((part) =>
    (typeof part === "string" ? part : element("bdi", {
      className: part.name ? "name" : "",
    }, part.name ?? part.said)));
  node.hidden = !parts.length;
  const line = element("span", {className: "line", title: precise.format(at)}, ...parts);
  node.replaceChildren(line);
  if (!mayUndo || !undoable(event)) return;
  const undo = element("button", {type: "button", "data-act": "undo"}, "Undo");
  node.append(undo);
}

/** @param {HTMLElement} node @param {import("./timeline.js").Notice} notice */
export function drawNotice(node, {text}) {
  node.className = "notice";
  node.replaceChildren(textNode(text));
}

function textNode(text) {
  return element("span", {className: "text", dir: "auto"}, ...linkify(text));
}

function editedMark(at) {
  return element("span", {className: "mark", title: `Edited ${precise.format(at)}`}, "edited");
}

function byline({by, at}, ours) {
  const name = ours ? element("bdi", {className: "name hidden"}, "You") : author(by);
  const time = element("time", {dateTime: new Date(at).toISOString()}, clock.format(at));
  const bot = isBot(by) ? [element("span", {className: "kind"}, "bot")] : [];
  return element("p", {className: "byline"}, name, ...bot, time);
}

/** The name opens the person's menu. */
function author(by) {
  // Not a stop of its own for the keyboard: the menu of each message has all that this has.
  return element("button", {
    type: "button", tabIndex: -1, "data-act": "person", "aria-haspopup": "menu",
  }, element("bdi", {className: "name"}, by.name));
}

/** The server's ids say what somebody is. */
const isBot = ({id}) => id.startsWith("b");

const PICTURE = /\p{Extended_Pictographic}/u;

/** What is under a message: each a button that puts ours there, or takes it away. */
function reactions(tallies, {us, mayReact, whoReacted}) {
  const buttons = tallies.map((tally) => {
    const {emoji, by, count} = tally;
    const who = whoReacted(tally);
    return element("button", {
      type: "button", "data-act": "react", "data-emoji": emoji, disabled: !mayReact, title: who,
      "aria-pressed": String(by.includes(us)), "aria-label": `${emoji} ${count}: ${who}`,
    },
    element("bdi", {className: PICTURE.test(emoji) ? "picture" : ""}, emoji),
    element("span", {className: "count"}, count.toLocaleString()));
  });
  // They come and go too often to be read out.
  return element("div", {
    className: "reactions", role: "group", "aria-label": "Reactions", "aria-live": "off",
  }, ...buttons);
}

function picking() {
  return element("button", {
    type: "button", className: "more", "data-act": "pick", "aria-haspopup": "menu",
    "aria-label": "React", title: "React",
  }, icon("smile"));
}

function ourTools(mayReact) {
  const edit = element("button", {type: "button", "data-act": "edit"}, "Edit");
  const remove = element("button", {type: "button", "data-act": "delete"}, "Delete");
  // Nearest to the message, on either side of it.
  return element("div", {className: "tools"}, edit, remove, ...mayReact ? [picking()] : []);
}

function othersTools(name, mayReact) {
  const more = element("button", {
    type: "button", className: "more", "data-act": "more", "aria-haspopup": "menu",
    "aria-label": `More about ${name}’s message`,
  }, icon("more"));
  return element("div", {className: "tools"}, ...mayReact ? [picking()] : [], more);
}

/** How far what is unsent has come, and what can be done about it. */
function progress(item) {
  const node = element("p", {className: `progress ${item.state}`}, progressWords(item));
  const button = (act, label) =>
    element("button", {type: "button", "data-act": act, "data-key": item.key}, label);
  const failed = item.state === "failed";
  if (failed) node.append(button("retry", "Retry"));
  if (failed || item.state === "waiting") node.append(button("discard", "Discard"));
  return node;
}

const PROGRESS = {
  post: {sending: "Sending…", sent: "Sent", waiting: "Waiting to be sent", failed: "Not sent."},
  edit: {sending: "Saving…", sent: "Saved", waiting: "Waiting to be saved", failed: "Not saved."},
  delete: {
    sending: "Deleting…",
    sent: "Deleted",
    waiting: "Waiting to be deleted",
    failed: "Not deleted.",
  },
};

function progressWords({op, state, error}) {
  const words = PROGRESS[op][state];
  return state === "failed" ? `${words} ${inWords(error)}` : words;
}
