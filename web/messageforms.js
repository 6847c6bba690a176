import {FormDialog} from "./formdialog.js";

/**
 * Asks what to write to somebody we have not written with yet.
 * @param {import("./roompeople.js").User | undefined} user whom, where that is known
 * @param {(to: string, text: string) => Promise<void>} send
 */
export function askForLetter(user, send) {
  const whom = user ? [] : [{
    name: "to", label: "To", required: "To whom?", hint: "The name of who has an account here, or is online.",
  }];
  new FormDialog({
    title: user ? `Write to ${user.name}` : "Write to somebody",
    about: "Only the two of you can read it.",
    fields: [...whom, {name: "text", label: "Message", kind: "textarea", required: "Say something."}],
    action: "Send",
    blame: ({code}) => (code === "not_found" && !user ? "to" : "text"),
    submit: ({to, text}) => send(user?.id ?? to, text),
  }).show();
}

/**
 * Asks why the moderators should look at a message.
 * @param {import("./timeline.js").Message} message
 * @param {(reason: string) => Promise<void>} report
 */
export function askForReport(message, report) {
  new FormDialog({
    title: "Report this message?",
    about: `${message.by.name}: ${excerpt(message.text)}`,
    fields: [{name: "reason", label: "What is wrong with it", kind: "textarea", maxLength: 1000,
      hint: "The moderators of this server are told."}],
    action: "Report",
    submit: ({reason}) => report(reason),
  }).show();
}

/** @param {import("./timeline.js").Message} message @param {() => void} remove */
export function askToDelete(message, remove) {
  new FormDialog({
    title: "Delete this message?",
    about: excerpt(message.text),
    action: "Delete",
    danger: true,
    submit: remove,
  }).show();
}

const excerpt = (text) => (text.length > 160 ? `${text.slice(0, 160)}…` : text);
