/**
 * What the address after the `#` says: `#lobby` or `#room=lobby` is a room, `#invite=ci_…` an
 * invitation.
 * @param {string} hash
 * @returns {{room?: string, invitation?: string}}
 */
export function fromHash(hash) {
  const text = decoded(hash.replace(/^#/, ""));
  const invitation = text.match(/^invite=(.+)$/)?.[1];
  if (invitation) return {invitation};
  const room = text.replace(/^room=/, "");
  return room ? {room} : {};
}

/** @param {string} name of a room */
export const toHash = (name) => `#${encodeURIComponent(name)}`;

/**
 * The invitation in the address, which is taken out of it at once: it is a secret, and would stay in
 * the history and be shared with the next copy of the address.
 * @param {Location} location
 * @param {History} history
 */
export function takeInvitation(location, history) {
  const {invitation} = fromHash(location.hash);
  if (invitation) history.replaceState(null, "", location.pathname + location.search);
  return invitation;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return ""; // not an address of ours
  }
}
