// Run by test_module.py: node --test
import assert from "node:assert/strict";
import {test} from "node:test";

import {SECOND, connect, enter, pass, server, settle} from "./stage.mjs";

test("logs in by name and password once, then by the token", async () => {
  const chat = connect({connect: false});
  const welcome = chat.login("Ana", "correct");
  await settle();
  assert.equal((await welcome).user.id, "account-Ana");
  assert.equal(chat.role, "owner");
  assert.deepEqual(server.requests[0], {
    type: "login", name: "Ana", password: "correct", client: "web",
  });
  server.hangUp();
  await settle();
  await pass(SECOND);
  assert.deepEqual(server.asked("hello"), [
    {type: "hello", client: "web", token: "token-account-Ana"},
  ]);
  assert.equal(server.asked("login").length, 1);
});

test("a guest who logs in is somebody else from then on", async () => {
  const chat = connect();
  await settle();
  assert.equal(chat.user.name, "Ana");
  const welcome = chat.login("Bea", "correct");
  await settle();
  await welcome;
  assert.equal(chat.user.name, "Bea");
});

test("a wrong password is told, and not tried again", async () => {
  const chat = connect({connect: false});
  const wrong = assert.rejects(chat.login("Ana", "guess"), {code: "bad_token", message: "wrong"});
  await settle();
  await wrong;
  assert.equal(chat.state, "refused");
  server.answer = ({type}) =>
    type === "login" ? {type: "error", code: "rate_limited", retry_after: 8} : undefined;
  const limited = assert.rejects(chat.login("Ana", "guess"), {code: "rate_limited", retryAfter: 8});
  await settle();
  await limited;
  await pass(60 * SECOND);
  assert.equal(server.asked("login").length, 2);
});

test("giving up while logging in", async () => {
  server.answer = ({type}) => (type === "login" ? null : undefined);
  const chat = connect({connect: false});
  const given = assert.rejects(chat.login("Ana", "correct"), {code: "disconnected"});
  await settle();
  chat.close();
  await given;
});

test("asks about the account as the protocol has it", async () => {
  const chat = connect();
  await settle();
  const sessions = [{id: "s1", client: "Firefox", current: true}];
  server.answer = ({type}) => (type === "sessions" ? {sessions} : undefined);
  const asked = [
    chat.account.sessions(), chat.account.endSession("s2"), chat.account.endSession(),
    chat.account.changePassword("one", "two"), chat.account.delete("two"), chat.account.logOut(),
  ];
  await settle();
  assert.deepEqual(await asked[0], sessions);
  await Promise.all(asked);
  assert.deepEqual(server.requests.slice(1).map(({id, ...request}) => request), [
    {type: "sessions"}, {type: "session.end", session: "s2"}, {type: "session.end"},
    {type: "password", old: "one", new: "two"}, {type: "account.delete", password: "two"},
    {type: "logout"},
  ]);
});

test("what is asked of the server by its moderators", async () => {
  const chat = connect();
  await settle();
  server.answer = ({type}) =>
    ({reports: {reports: [{id: 4}]}, audit: {deeds: []}, purge: {count: 3}})[type];
  const {moderation} = chat;
  const asked = [
    moderation.ban("Eve", {until: 5000, reason: "spam"}), moderation.unban("Eve"),
    moderation.banAddress("192.0.2.1"), moderation.mute("Eve"), moderation.unmute("Eve"),
    moderation.purge("Eve"), moderation.reports(), moderation.closeReport(4),
    moderation.audit({before: 9, limit: 2}),
  ];
  await settle();
  assert.equal(await asked[5], 3);
  assert.deepEqual(await asked[6], {reports: [{id: 4}], users: []});
  assert.deepEqual(await asked[8], {deeds: [], users: []});
  assert.deepEqual(server.requests.slice(1).map(({id, ...request}) => request), [
    {type: "ban", user: "Eve", until: 5000, reason: "spam"}, {type: "ban", user: "Eve", until: 0},
    {type: "ban", address: "192.0.2.1"}, {type: "mute", user: "Eve"},
    {type: "mute", user: "Eve", until: 0}, {type: "purge", user: "Eve"}, {type: "reports"},
    {type: "report.close", report: 4}, {type: "audit", before: 9, limit: 2},
  ]);
});

test("banned from the server: no coming back, whenever it ends", async () => {
  server.answer = ({type}) =>
    type === "hello" ? {type: "error", code: "banned", message: "no", retry_after: 60} : undefined;
  const chat = connect();
  await settle();
  assert.equal(chat.state, "refused");
  assert.equal(chat.error.code, "banned");
  await pass(120 * SECOND);
  assert.equal(server.dials, 1);
});

test("writes to one user, through a lost connection, and hears from others unasked", async () => {
  const chat = connect();
  const heard = [];
  chat.on("message", ({room, text}) => heard.push([room, text]));
  await settle();
  let lost = false;
  server.answer = ({type}) => {
    if (type !== "post" || lost) return undefined;
    lost = true;
    server.hangUp();
    return null;
  };
  const letter = chat.sendTo("bea", "just to you");
  await settle();
  assert.equal(letter.state, "waiting");
  await pass(SECOND);
  assert.deepEqual(await letter, {room: "@bea", seq: 1, at: 1000});
  const [first, again] = server.asked("post");
  assert.equal(first.to, "bea");
  assert.equal(first.room, undefined);
  assert.equal(first.key, again.key);

  server.tell(server.socket, server.append("@bea", {text: "and to you"}));
  await settle();
  assert.deepEqual(heard, [["@bea", "and to you"]]);
  const {seen} = await enter(chat, "@bea");
  assert.deepEqual(seen, [1, 2]);
  server.publish("@bea", {text: "again"});
  await settle();
  assert.deepEqual(seen, [1, 2, 3]);
  assert.equal(heard.length, 1);
});

test("makes a room", async () => {
  const made = {name: "~plans-secret", title: "Plans", kind: "private"};
  server.answer = ({type}) => (type === "room.create" ? {room: made} : undefined);
  const chat = connect();
  await settle();
  const asked = chat.createRoom("plans", {kind: "private", title: "Plans", topic: "What next"});
  await settle();
  assert.deepEqual(await asked, made);
  const [{id, ...request}] = server.asked("room.create");
  assert.deepEqual(request, {
    type: "room.create", room: "plans", kind: "private", title: "Plans", topic: "What next",
  });
});
