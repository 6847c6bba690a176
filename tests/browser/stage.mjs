/** What each test of the module starts from: a server in memory, and a clock that stands still. */
import {afterEach, beforeEach, mock} from "node:test";

import {Chatroom} from "../../web/chatroom.js";
import {FakeServer, settle} from "./fake_server.mjs";

export {settle};
export const SECOND = 1000;

/** @type {FakeServer} */
export let server;
/** @type {Chatroom[]} */
let chats;

beforeEach(() => {
  mock.timers.enable({apis: ["setTimeout", "Date"], now: 1_000_000});
  mock.method(Math, "random", () => 0.5);
  server = new FakeServer();
  chats = [];
});

afterEach(() => {
  for (const chat of chats) chat.close();
  mock.reset();
  mock.timers.reset();
});

export function connect(options = {}) {
  const {WebSocket, fetch} = server;
  const chat = new Chatroom("ws://server/ws", {name: "Ana", WebSocket, fetch, ...options});
  chats.push(chat);
  return chat;
}

/** Joins, and keeps what the room hands out. */
export async function enter(chat, name = "lobby", position) {
  const room = chat.join(name, position);
  const seen = [];
  room.on("event", ({seq}) => seen.push(seq));
  await settle();
  return {room, seen};
}

export async function pass(milliseconds) {
  mock.timers.tick(milliseconds);
  await settle();
}
