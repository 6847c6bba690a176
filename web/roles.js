/** Roles in their order. The server decides; this only spares people what it would refuse. */
const RANK = {guest: 0, member: 1, moderator: 2, owner: 3};
/** The least role that may speak in a room of each kind. */
const SPEAK = {public: "guest", announcement: "moderator", private: "member", direct: "member"};

/** @typedef {"guest" | "member" | "moderator" | "owner"} Role */

/** @param {Role} role @param {Role} least */
export const atLeast = (role, least) => RANK[role] >= RANK[least];

/**
 * Our role in a room.
 * @param {import("./chatroom.js").RoomInfo | undefined} info as the server last listed it
 * @param {Role} server ours on the whole server
 * @returns {Role}
 */
export function roleIn(info, server) {
  // To a private or direct room the role on the server means nothing.
  if (info?.kind === "private" || info?.kind === "direct") return info.role ?? "member";
  return info?.role && atLeast(info.role, server) ? info.role : server;
}

/** @param {string} kind of a room @param {Role} role ours there */
export const maySpeak = (kind, role) => atLeast(role, SPEAK[kind] ?? "guest");

/** Whether we may set its title, invite, put people out, and delete what others say. */
export const mayRun = (kind, role) => kind !== "direct" && atLeast(role, "moderator");

/** Whether we may give people roles. */
export const mayOwn = (kind, role) => kind !== "direct" && role === "owner";
