import {FormDialog} from "./formdialog.js";
import {atLeast} from "./roles.js";
import {showLink} from "./linkdialog.js";
import {counted} from "./words.js";

const KINDS = [
  {value: "public", label: "Public", hint: "Everybody can find it, read and write."},
  {value: "announcement", label: "Announcements", hint: "Everybody can read it; only moderators write."},
  {value: "private", label: "Private", hint: "Only who was invited knows that it is there."},
];

const SLOW = [
  {value: 0, label: "Off"},
  {value: 5, label: "One message every 5 seconds"},
  {value: 10, label: "One message every 10 seconds"},
  {value: 30, label: "One message every 30 seconds"},
  {value: 60, label: "One message every minute"},
  {value: 300, label: "One message every 5 minutes"},
  {value: 3600, label: "One message every hour"},
];

const TITLE = {name: "title", label: "Title", maxLength: 100};
const TOPIC = {
  name: "topic", label: "Topic", kind: "textarea", maxLength: 1000,
  placeholder: "What is talked about here",
};

/**
 * Asks what a new room is to be.
 * @param {(name: string, about: {kind: string, title: string, topic?: string}) => Promise<void>} create
 */
export function askForRoom(create) {
  new FormDialog({
    title: "Make a room",
    fields: [
      {name: "kind", label: "Who it is for", kind: "choice", options: KINDS},
      {...TITLE, label: "Name", maxLength: 60, required: "A room needs a name."},
      TOPIC,
    ],
    action: "Make room",
    blame: ({code}) => (["bad_request", "conflict"].includes(code) ? "title" : undefined),
    submit: ({kind, title, topic}) => create(nameFor(title), {kind, title, topic: topic || undefined}),
  }).show();
}

/** @param {import("./room.js").Room} room */
export function askForSettings(room) {
  const known = SLOW.some(({value}) => value === room.slow);
  const options = known ? SLOW : [{value: room.slow, label: `Every ${room.slow} seconds`}, ...SLOW];
  new FormDialog({
    title: "Room settings",
    fields: [
      {...TITLE, value: room.title, required: "A room needs a title."},
      {...TOPIC, value: room.topic},
      {name: "slow", label: "Slow mode", kind: "select", options, value: room.slow,
        hint: "Moderators may always write."},
    ],
    action: "Save",
    submit: async (wanted) => {
      const changes = Object.entries(wanted).filter(([name, value]) => value !== room[name]);
      if (changes.length) await room.keeping.set(Object.fromEntries(changes));
    },
  }).show();
}

/** Asks whom to invite. @param {import("./openroom.js").OpenRoom} open */
export function askWhomToInvite({room, title}) {
  new FormDialog({
    title: `Invite somebody to ${title}`,
    fields: [{name: "user", label: "Their name", required: "Whom do you want to invite?",
      hint: "Who has an account here, or is online."}],
    action: "Invite",
    blame: () => "user",
    submit: ({user}) => room.keeping.invite(user),
  }).show();
}

/**
 * Asks for whom a link for new people is to be.
 * @param {import("./accountdoor.js").AccountDoor} door
 * @param {import("./roles.js").Role} serverRole ours
 * @param {import("./openroom.js").OpenRoom} [open] the room that it leads to
 */
export function askForLink(door, serverRole, open) {
  const roles = open || !atLeast(serverRole, "owner") ? [] : [{
    name: "role", label: "As", kind: "choice",
    options: [{value: "member", label: "Members"}, {value: "moderator", label: "Moderators"}],
  }];
  new FormDialog({
    title: open ? `A link to ${open.title}` : "Invite people",
    about: "Whoever opens the link makes an account here" + (open ? ", and is in the room." : "."),
    fields: [
      {name: "uses", label: "For how many people", kind: "choice",
        options: [1, 10, 100].map((value) => ({value, label: String(value)}))},
      {name: "days", label: "Good for", kind: "choice", value: 7,
        options: [1, 7, 30].map((value) => ({value, label: counted(value, "day")}))},
      ...roles,
    ],
    action: "Make link",
    submit: async (wanted) => showLink(await door.invite({...wanted, room: open?.room.name})),
  }).show();
}

/** A title as a room's name: letters, digits, `_`, `-` and `.`. @param {string} title */
export function nameFor(title) {
  const name = title.normalize("NFKC").toLowerCase().trim().replace(/\s+/gu, "-");
  return name.replace(/[^\p{L}\p{M}\p{N}_.-]/gu, "").replace(/^[^\p{L}\p{N}]+/u, "");
}
