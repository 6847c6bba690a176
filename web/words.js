/** What went wrong, in words for people, where the server's own would not do. */
const ERRORS = {
  name_taken: "Somebody here has that name now. Pick another one.",
  bad_token: "The server does not know this browser any more. Press Connect to start anew.",
  forbidden: "You are not allowed to do that.",
  banned: "You are not allowed in.",
  muted: "You are not allowed to write here.",
  too_long: "It is too long.",
  too_many_connections: "Too many connections from here. Close some, then press Connect.",
  not_found: "It is not there any more.",
  refused: "The server does not talk to this page. Reload it, then press Connect.",
};

/**
 * @param {import("./errors.js").ChatroomError} error
 */
export function inWords(error) {
  // The server says most precisely what is wrong with a request; codes are only words to it.
  if (error.code === "bad_request" && error.message) return sentence(error.message);
  return ERRORS[error.code] ?? sentence(error.message);
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

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}
