// Run by test_module.py: node --test
import assert from "node:assert/strict";
import {test} from "node:test";

import {Chatroom} from "../../web/chatroom.js";
import {SECOND, connect, enter, pass, server, settle} from "./stage.mjs";

/** Lets the network break WebSockets, and a client find out. */
async function fallenBack(options) {
  server.broken = true;
  const chat = connect(options);
  await settle();
  await pass(SECOND);
  await pass(SECOND);
  return chat;
}

test("after two WebSockets that came to nothing it goes over plain HTTP", async () => {
  const chat = await fallenBack();
  assert.equal(chat.state, "online");
  assert.equal(server.dials, 3);
  const {room, seen} = await enter(chat);
  server.publish("lobby", {text: "hello\n\ndata: you"});
  const {seq} = await Promise.all([room.post("hi"), settle()]).then(([receipt]) => receipt);
  await settle();
  assert.deepEqual(seen, [1, 2]);
  assert.equal(seq, 2);
  assert.equal(server.log("lobby")[1].text, "hi");
});

test("it keeps to that, and misses nothing when it is lost", async () => {
  const chat = await fallenBack();
  const {room, seen} = await enter(chat);
  server.publish("lobby", {text: "1"});
  server.hangUp();
  server.append("lobby", {text: "2"});
  room.post("3");
  server.broken = false;
  await settle();
  await pass(2 * SECOND);
  assert.equal(chat.state, "online");
  assert.deepEqual(seen, [1, 2, 3]);
  assert.equal(server.fetches.filter((one) => one === "GET stream").length, 2);
});

test("where there are no WebSockets it goes over plain HTTP at once", async () => {
  const chat = connect({WebSocket: undefined});
  await settle();
  assert.equal(chat.state, "online");
  assert.equal(server.dials, 1);
});

test("a server that is gone for a while makes nobody give up WebSockets", async () => {
  const chat = connect();
  await settle();
  server.up = false;
  server.hangUp();
  for (let waited = 0; waited < 60; waited++) await pass(SECOND);
  server.up = true;
  for (let waited = 0; waited < 16; waited++) await pass(SECOND);
  assert.equal(chat.state, "online");
  server.hangUp();
  await settle();
  const before = server.fetches.length;
  await pass(SECOND);
  assert.equal(chat.state, "online");
  assert.equal(server.fetches.length, before, "the next one is a WebSocket");
});

test("by turns, as long as neither works", async () => {
  server.up = false;
  connect();
  for (let waited = 0; waited < 30; waited++) await pass(SECOND);
  assert.ok(server.fetches.length >= 2);
  assert.ok(server.dials > server.fetches.length);
});

test("a request that may not have arrived is asked again, and done once", async () => {
  const chat = await fallenBack();
  const {room, seen} = await enter(chat);
  server.posts = false;
  room.post("hello");
  await settle();
  assert.equal(chat.state, "waiting");
  server.posts = true;
  await pass(2 * SECOND);
  assert.deepEqual(seen, [1]);
  assert.equal(server.log("lobby").length, 1);
});

test("a close says what a WebSocket's would", async () => {
  const chat = await fallenBack();
  server.hangUp(4403, "you are banned");
  await settle();
  assert.equal(chat.state, "refused");
  assert.equal(chat.error.code, "forbidden");
  assert.equal(chat.error.message, "you are banned");
});

test("posts arrive in order", async () => {
  const chat = await fallenBack();
  const {room} = await enter(chat);
  for (let n = 0; n < 50; n++) room.post(`${n} ${"x".repeat(3000)}`);
  for (let turn = 0; turn < 20; turn++) await settle();
  const said = server.log("lobby").map(({text}) => Number.parseInt(text, 10));
  assert.deepEqual(said, [...Array(50).keys()]);
});

test("what is asked while a request is on its way goes together", async () => {
  const chat = await fallenBack();
  const before = server.fetches.length;
  const asked = Array.from({length: 50}, () => chat.request("ping"));
  await settle();
  assert.equal((await Promise.all(asked)).length, 50);
  assert.equal(server.fetches.length - before, 2);
});

test("without either there is no way", () => {
  const {fetch} = globalThis;
  try {
    globalThis.fetch = undefined;
    assert.throws(() => new Chatroom("ws://server/ws", {connect: false}), TypeError);
  } finally {
    globalThis.fetch = fetch;
  }
});
