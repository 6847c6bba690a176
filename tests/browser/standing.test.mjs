// Run by test_module.py: node --test
import assert from "node:assert/strict";
import {test} from "node:test";

import {Standing} from "../../web/standing.js";
import {SECOND, connect, enter, pass, server, settle} from "./stage.mjs";

const bob = {id: "u-bob", name: "Bob"};

/** A `member` event about us. */
const aboutUs = (change, more = {}) =>
  ({type: "member", user: {id: "u-1", name: "Ana", kind: "guest"}, change, ...more});

test("kicked: out, with the reason, and not back before somebody asks", async () => {
  const {room} = await enter(connect());
  const told = [];
  room.on("state", (state) => told.push(state));
  server.publish("lobby", aboutUs("kicked", {reason: "spam"}), bob);
  await settle();
  assert.equal(room.state, "put out");
  const {code, message, by} = room.error;
  assert.deepEqual({code, message, by}, {code: "kicked", message: "spam", by: bob});
  server.hangUp();
  await settle();
  await pass(SECOND);
  assert.equal(room.state, "put out");
  assert.equal(server.asked("join").length, 1);
  room.join();
  await settle();
  assert.equal(room.state, "live", "the old event does not put us out again");
  assert.deepEqual(told, ["put out", "joining", "catching up", "live"]);
});

test("banned is told apart; others and old events put nobody out", async () => {
  server.append("lobby", aboutUs("banned"));
  const {room} = await enter(connect());
  server.publish("lobby", {...aboutUs("kicked"), user: {id: "u-9", name: "Eve"}});
  server.publish("lobby", aboutUs("role", {role: "guest"}));
  await settle();
  assert.equal(room.state, "live");
  server.publish("lobby", aboutUs("banned", {until: 5000}));
  await settle();
  assert.equal(room.error.code, "banned");
  assert.equal(room.error.until, 5000);
});

test("who loses their place in a private room is out of it", async () => {
  const private_ = (message) => {
    const reply = server.reply(message, server.socket);
    return {...reply, room: {...reply.room, kind: "private"}};
  };
  server.answer = (message) => (message.type === "join" ? private_(message) : undefined);
  const {room} = await enter(connect(), "~plans");
  server.publish("~plans", aboutUs("role", {role: "guest"}));
  await settle();
  assert.equal(room.state, "put out");
});

test("put out while catching up", async () => {
  const {room} = await enter(connect());
  server.append("lobby", aboutUs("kicked"));
  server.publish("lobby", {text: "a hole was before this"});
  await settle();
  assert.equal(room.state, "put out");
});

test("muted: known from the event, from the log, or from a refusal", async () => {
  const {room} = await enter(connect());
  let told = 0;
  room.on("standing", () => told++);
  server.publish("lobby", aboutUs("muted", {until: 1_000_000 + 5 * SECOND, reason: "loud"}));
  await settle();
  assert.deepEqual(room.muted, {until: 1_005_000, reason: "loud"});
  await pass(5 * SECOND);
  assert.equal(room.muted, null);
  server.publish("lobby", aboutUs("muted"));
  await settle();
  assert.deepEqual(room.muted, {until: null, reason: ""});
  const {room: later} = await enter(connect({token: "token-u-1"}));
  assert.deepEqual(later.muted, {until: null, reason: ""});
  for (const socket of [...server.sockets].slice(1)) server.sockets.delete(socket);
  server.publish("lobby", aboutUs("unmuted"));
  await settle();
  assert.equal(room.muted, null);
  assert.equal(told, 3);

  const refusal = {
    type: "error", code: "muted", message: "you may listen here, but not speak: loud", retry_after: 7,
  };
  server.answer = ({type}) => (type === "typing" ? refusal : undefined);
  room.typing();
  await settle();
  assert.deepEqual(room.muted, {until: 1_012_000, reason: "loud"});
});

test("a muted post fails; it is not sent when the time has come", async () => {
  const {room} = await enter(connect());
  const refusal = {type: "error", code: "muted", message: "not now", retry_after: 60};
  server.answer = ({type}) => (type === "post" ? refusal : undefined);
  await assert.rejects(room.post("hello"), {code: "muted"});
  assert.equal(room.muted.until, 1_060_000);
  server.answer = () => undefined;
  await pass(120 * SECOND);
  assert.equal(server.asked("post").length, 1);
});

test("slow mode: when the next post may go", async () => {
  const {room} = await enter(connect());
  server.publish("lobby", {type: "room", slow: 10, topic: "Slowly"});
  await settle();
  assert.equal(room.slow, 10);
  assert.equal(room.topic, "Slowly");
  await room.post("one");
  assert.equal(room.nextPostAt, 1_010_000);
  const limited = {type: "error", code: "rate_limited", message: "slow", retry_after: 4};
  server.answer = ({type}) => (type === "post" ? limited : undefined);
  room.post("two");
  await settle();
  assert.equal(room.nextPostAt, 1_004_000);
});

test("the server's clock counts", () => {
  const standing = new Standing(() => 500);
  standing.told({change: "muted", until: 600});
  assert.equal(standing.muted.until, 600);
  standing.told({change: "muted", until: 400});
  assert.equal(standing.muted, null);
});

test("an old change of the room does not undo what the reply says", async () => {
  server.append("lobby", {type: "room", title: "Old name"});
  const chat = connect();
  const {room} = await enter(chat);
  assert.equal(room.title, "lobby");
  server.publish("lobby", {type: "room", title: "New name"});
  await settle();
  assert.equal(room.title, "New name");
});

test("what is asked about a room by who runs it", async () => {
  const {room} = await enter(connect());
  const {keeping} = room;
  const asked = [
    keeping.set({title: "Hall", slow: 0}), keeping.invite("Bea"), keeping.setRole("Bea", "moderator"),
    keeping.kick("Eve", "spam"), keeping.ban("Eve", {until: 9}), keeping.unban("Eve"),
    keeping.mute("Eve", {reason: "loud"}), keeping.unmute("Eve"), keeping.purge("Eve"),
    room.read(3), room.report(2, "rude"),
  ];
  await settle();
  await Promise.all(asked);
  const requests = server.requests.slice(2).map(({id, room: name, ...request}) => request);
  assert.deepEqual(requests, [
    {type: "room.set", title: "Hall", slow: 0}, {type: "room.invite", user: "Bea"},
    {type: "room.role", user: "Bea", role: "moderator"},
    {type: "room.kick", user: "Eve", reason: "spam"}, {type: "room.ban", user: "Eve", until: 9},
    {type: "room.ban", user: "Eve", until: 0}, {type: "room.mute", user: "Eve", reason: "loud"},
    {type: "room.mute", user: "Eve", until: 0}, {type: "purge", user: "Eve"},
    {type: "read", seq: 3}, {type: "report", seq: 2, reason: "rude"},
  ]);
});

test("how far another device of ours has read", async () => {
  const {room} = await enter(connect());
  const marks = [];
  room.on("read", ({seq}) => marks.push(seq));
  server.tell(server.socket, {type: "read", room: "lobby", seq: 7});
  await settle();
  assert.deepEqual(marks, [7]);
  assert.equal(server.asked("history").length, 0, "it is no event of the log");
  assert.equal(room.position.since, 0);
});

test("what the list of rooms says holds, also where no event told it", async () => {
  const chat = connect();
  const {room} = await enter(chat);
  let told = 0;
  room.on("about", () => told++);
  const rooms = [{name: "lobby", title: "Hall", topic: "Tea", slow: 3}, {name: "other", title: "x"}];
  server.answer = ({type}) => (type === "rooms" ? {rooms} : undefined);
  for (let i = 0; i < 2; i++) {
    const asked = chat.rooms();
    await settle();
    assert.deepEqual(await asked, rooms);
  }
  assert.deepEqual([room.title, room.topic, room.slow, told], ["Hall", "Tea", 3, 1]);
});

test("put out without a word: the next keystroke finds out why", async () => {
  const {room} = await enter(connect());
  const errors = {typing: "not_found", join: "banned"};
  server.answer = ({type}) =>
    errors[type] && {type: "error", code: errors[type], message: "you are banned: spam", retry_after: 60};
  room.typing();
  await settle();
  assert.equal(room.state, "refused");
  assert.equal(room.error.code, "banned");
  assert.equal(room.error.until, 1_060_000);
});
