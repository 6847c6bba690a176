/** What went wrong, in words for people, where the server's own would not do. */
const ERRORS = {
  name_taken: "Somebody here has that name now. Pick another one, or log in if it is yours.",
  too_long: "It is too long.",
  too_many_connections: "Too many connections from here. Close some, then press Connect.",
  refused: "The server does not talk to this page. Reload it, then press Connect.",
  disconnected: "There is no connection to the server just now.",
  timeout: "The server does not answer. Try again.",
};

const clock = new Intl.DateTimeFormat(undefined, {hour: "2-digit", minute: "2-digit"});
const dayAndClock = new Intl.DateTimeFormat(undefined, {
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit",
});

/**
 * @param {import("./errors.js").ChatroomError} error
 */
export function inWords(error) {
  const {code, message, by, until} = error;
  if (by) return putOut(error);
  if (until) return `${sentence(message)} (Until ${momentInWords(until)}.)`;
  if (ERRORS[code]) return ERRORS[code];
  // The server says most precisely what is wrong; without a sentence there is but the code.
  return message === code ? "That is not possible." : sentence(message);
}

function putOut({code, message, by, until}) {
  const what = code === "banned" ? "banned from this room" : "removed from this room";
  const end = until ? ` until ${momentInWords(until)}` : "";
  const why = message === code ? "." : `: ${message}`;
  return `You were ${what} by ${by.name}${end}${why}`;
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export function counted(count, one, many = `${one}s`) {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

/** @param {string[]} names */
export function listed(names) {
  return new Intl.ListFormat("en").format(names);
}

/** A time to come, or gone by: the clock's alone where it is today. @param {number} at ms */
export function momentInWords(at) {
  const date = new Date(at);
  const today = date.toDateString() === new Date().toDateString();
  return (today ? clock : dayAndClock).format(date);
}

/** How long something takes, in its largest round unit. @param {number} seconds */
export function spanInWords(seconds) {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) {
    const rest = Math.ceil(seconds) % 60;
    return `${Math.floor(seconds / 60)} min${rest ? ` ${rest} s` : ""}`;
  }
  const minutes = Math.round(seconds / 60) % 60;
  return `${Math.floor(Math.round(seconds / 60) / 60)} h${minutes ? ` ${minutes} min` : ""}`;
}

/** @param {string} text */
export function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}
