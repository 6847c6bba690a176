// Run by test_module.py: node --test
import assert from "node:assert/strict";
import {test} from "node:test";

import {SECOND, connect, enter, pass, server, settle} from "./stage.mjs";

const texts = (room) => server.log(room).map(({text}) => text);

function memory() {
  const kept = new Map();
  return {
    kept,
    get length() {
      return kept.size;
    },
    key: (index) => [...kept.keys()][index] ?? null,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
}

test("a post gives its receipt", async () => {
  const {room} = await enter(connect());
  const states = [];
  room.on("unsent", ({state}) => states.push(state));
  const post = room.post("hi", {replyTo: 3, data: {mood: "good"}});
  assert.equal(post.state, "sending");
  assert.deepEqual(await post, {room: "lobby", seq: 1, at: 1000});
  assert.equal(post.state, "sent");
  assert.deepEqual(room.unsent, []);
  const {reply_to: replyTo, data} = server.asked("post")[0];
  assert.deepEqual({replyTo, data}, {replyTo: 3, data: {mood: "good"}});
  await settle();
  assert.deepEqual(states, ["waiting", "sending", "sent"], "the event then adds nothing");
});

test("posts wait for the connection and keep their order", async () => {
  server.up = false;
  const chat = connect();
  const {room} = await enter(chat);
  const posts = ["a", "b", "c"].map((text) => room.post(text));
  assert.deepEqual(room.unsent.map(({state}) => state), ["waiting", "waiting", "waiting"]);
  server.up = true;
  chat.reconnect();
  await settle();
  assert.deepEqual(texts("lobby"), ["a", "b", "c"]);
  assert.deepEqual(posts.map(({state}) => state), ["sent", "sent", "sent"]);
});

test("what was sent and not acknowledged is sent again with its key, after the join", async () => {
  const {room} = await enter(connect());
  server.answer = (message, socket) => {
    if (message.type !== "post") return undefined;
    server.append("lobby", {text: message.text, key: message.key}, socket.by);
    server.hangUp(); // committed, but neither the reply nor the event came through
    return null;
  };
  const post = room.post("once");
  room.post("next");
  await settle();
  assert.equal(post.state, "waiting");
  server.answer = () => undefined;
  await pass(SECOND);
  assert.equal(post.state, "sent");
  assert.equal(post.receipt.seq, 1);
  assert.deepEqual(texts("lobby"), ["once", "next"]);
  // The resume brought it back with its key: no need even to send it again.
  assert.deepEqual(server.asked("post").map(({text}) => text), ["once", "next"]);
});

test("a post whose event never comes back is found again by its key", async () => {
  const {room} = await enter(connect());
  let dropped = false;
  server.answer = ({type}, socket) => {
    if (type !== "post" || dropped) return undefined;
    dropped = true;
    socket.rooms.clear();
    server.hangUp();
    return null; // lost on the way in
  };
  const post = room.post("once");
  await settle();
  await pass(SECOND);
  const keys = server.asked("post").map(({key}) => key);
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1]);
  assert.equal((await post).seq, 1);
});

test("the event may come before the reply, and stands for it", async () => {
  const {room} = await enter(connect());
  server.answer = (message, socket) => {
    if (message.type !== "post") return undefined;
    server.publish("lobby", {text: message.text, key: message.key}, socket.by);
    return null;
  };
  const post = room.post("hi");
  await settle();
  assert.equal(post.state, "sent");
  assert.equal((await post).seq, 1);
});

test("another author's key acknowledges nothing of ours", async () => {
  const {room} = await enter(connect());
  server.answer = ({type}) => (type === "post" ? null : undefined);
  const post = room.post("mine");
  server.publish("lobby", {text: "theirs", key: post.key}, {id: "u-evil", name: "Eve"});
  await settle();
  assert.equal(post.state, "sending");
});

test("rate_limited: waits as told, then sends the same key, the others behind it", async () => {
  const {room} = await enter(connect());
  server.answer = ({type}) =>
    type === "post" ? {type: "error", code: "rate_limited", retry_after: 2} : undefined;
  room.post("a");
  room.post("b");
  await settle();
  assert.deepEqual(room.unsent.map(({state}) => state), ["waiting", "waiting"]);
  assert.equal(server.asked("post").length, 1);
  server.answer = () => undefined;
  await pass(1900);
  assert.equal(server.asked("post").length, 1);
  await pass(100);
  assert.deepEqual(texts("lobby"), ["a", "b"]);
  const [first, again] = server.asked("post");
  assert.equal(first.key, again.key);
});

test("unavailable is waited out too, and another room is not held up by it", async () => {
  const chat = connect();
  const {room: lobby} = await enter(chat);
  const {room: garden} = await enter(chat, "garden");
  const unavailable = {type: "error", code: "unavailable", retry_after: 1};
  server.answer = ({type, room}) =>
    type === "post" && room === "lobby" ? unavailable : undefined;
  const slow = lobby.post("slow");
  await garden.post("quick");
  server.answer = () => undefined;
  await settle();
  assert.equal(slow.state, "waiting");
  await pass(SECOND);
  assert.equal(slow.state, "sent");
});

test("whatever may be tried again later is", async () => {
  const {room} = await enter(connect());
  const slow = {type: "error", code: "slow_mode", retry_after: 3};
  server.answer = ({type}) => (type === "post" ? slow : undefined);
  const post = room.post("a");
  await settle();
  assert.equal(post.state, "waiting");
  server.answer = () => undefined;
  await pass(3 * SECOND);
  assert.equal(post.state, "sent");
});

test("a refusal fails the post, not those after it; retry and discard", async () => {
  const {room} = await enter(connect());
  const forbidden = {type: "error", code: "forbidden", message: "no"};
  server.answer = ({type, text}) => (type === "post" && text === "bad" ? forbidden : undefined);
  const bad = room.post("bad");
  const good = room.post("good");
  await assert.rejects(bad, {code: "forbidden", message: "no"});
  await good;
  assert.equal(bad.state, "failed");
  server.answer = () => undefined;
  bad.retry();
  assert.equal((await bad).seq, 2);

  server.answer = ({type}) => (type === "post" ? {type: "error", code: "muted"} : undefined);
  const unwanted = room.post("unwanted");
  await assert.rejects(unwanted, {code: "muted"});
  unwanted.discard();
  assert.equal(unwanted.state, "discarded");
  assert.deepEqual(room.unsent, []);
});

test("what waits for the connection can be discarded", async () => {
  server.up = false;
  const {room} = await enter(connect());
  const post = room.post("never mind");
  post.discard();
  await assert.rejects(post, {code: "discarded"});
});

test("too large: never leaves, and is not repeated if the server hung up on it", async () => {
  server.limits = {message_bytes: 1000};
  const chat = connect();
  const {room} = await enter(chat);
  await assert.rejects(room.post("é".repeat(600)), {code: "too_long"});
  assert.equal(server.asked("post").length, 0);

  server.answer = ({type}) => {
    if (type !== "post") return undefined;
    server.hangUp(1009);
    return null;
  };
  await assert.rejects(room.post("poison"), {code: "too_long"});
  server.answer = () => undefined;
  chat.connect();
  await settle();
  assert.deepEqual(texts("lobby"), []);
});

test("no answer in 20 s: sent again, which the key makes safe", async () => {
  const {room} = await enter(connect());
  server.answer = ({type}) => (type === "post" ? null : undefined);
  const post = room.post("hello?");
  await settle();
  await pass(20 * SECOND);
  assert.equal(post.state, "waiting");
  server.answer = () => undefined;
  await pass(SECOND);
  assert.equal(post.state, "sent");
});

test("edits and deletions keep their place among the posts", async () => {
  const chat = connect();
  const {room} = await enter(chat);
  const {seq} = await room.post("fisrt");
  chat.close();
  room.edit(seq, "first");
  room.post("second");
  const last = room.delete(seq);
  chat.connect();
  await settle();
  assert.equal(last.state, "sent");
  assert.deepEqual(
    server.log("lobby").map(({type, text, target}) => [type, text ?? target]),
    [["message", "fisrt"], ["edited", "first"], ["message", "second"], ["deleted", 1]],
  );
});

test("what is unsent survives a reload, with its keys", async () => {
  const storage = memory();
  server.up = false;
  const first = connect({storage});
  const {room: before} = await enter(first);
  const {key} = before.post("kept");
  before.post("discarded").discard();
  const second = before.post("kept too");
  // A browser lists what it stores in an order of its own.
  storage.kept.set("something else", "1");
  const [[name, value]] = storage.kept;
  storage.kept.delete(name);
  storage.kept.set(name, value);
  await settle();
  first.close();

  server.up = true;
  const {room} = await enter(connect({storage}));
  await settle();
  const posted = server.log("lobby").map((event) => [event.text, event.key]);
  assert.deepEqual(posted, [["kept", key], ["kept too", second.key]]);
  assert.deepEqual(room.unsent, []);
  assert.deepEqual([...storage.kept.keys()], ["something else"]);
});

test("a broken or full storage costs nothing but the reload", async () => {
  const storage = memory();
  storage.kept.set("chatroom.outbox.1", "{not json");
  storage.kept.set("chatroom.outbox.2", "7");
  storage.setItem = () => {
    throw new Error("quota");
  };
  const {room} = await enter(connect({storage}));
  await room.post("hi");
  assert.deepEqual(texts("lobby"), ["hi"]);
});
