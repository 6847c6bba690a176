// Run by test_module.py: node --test
import assert from "node:assert/strict";
import {mock, test} from "node:test";

import {ChatroomError} from "../../web/chatroom.js";
import {SECOND, connect, enter, pass, server, settle} from "./stage.mjs";

test("comes back as the same guest", async () => {
  const chat = connect();
  await settle();
  server.hangUp();
  await settle();
  await pass(SECOND);
  assert.deepEqual(server.asked("hello").map(({token}) => token), [undefined, "token-u-1"]);
  assert.equal(chat.user.id, "u-1");
});

test("waits half a second, then twice as long up to 15 s, never all the same", async () => {
  const chat = connect();
  await settle();
  server.up = false;
  server.hangUp();
  const waits = [];
  for (let i = 0; i < 8; i++) {
    await settle();
    assert.equal(chat.state, "waiting");
    waits.push(chat.retryAt - Date.now());
    await pass(chat.retryAt - Date.now());
  }
  assert.deepEqual(waits, [375, 750, 1500, 3000, 6000, 11250, 11250, 11250]);
  mock.method(Math, "random", () => 0);
  await pass(chat.retryAt - Date.now());
  assert.equal(chat.retryAt - Date.now(), 7500);
});

test("only a connection that lasted makes the next wait short again", async () => {
  const chat = connect();
  const waits = [];
  for (const lasted of [0, 1, 1, 5, 1]) {
    await settle();
    assert.equal(chat.state, "online");
    await pass(lasted * SECOND);
    server.hangUp();
    await settle();
    waits.push(chat.retryAt - Date.now());
    await pass(chat.retryAt - Date.now());
  }
  assert.deepEqual(waits, [375, 750, 1500, 375, 750]);
});

test("a hello that comes too often waits as told", async () => {
  const limited = {type: "error", code: "rate_limited", retry_after: 7};
  server.answer = ({type}) => (type === "hello" ? limited : undefined);
  const chat = connect();
  await settle();
  assert.equal(chat.state, "waiting");
  assert.equal(chat.retryAt - Date.now(), 7500);
});

test("a server that restarts is given the time it asked for", async () => {
  const chat = connect();
  await settle();
  server.tell(server.socket, {type: "closing", reason: "restart", reconnect_after: 4});
  await settle();
  server.hangUp(4000);
  await settle();
  assert.equal(chat.retryAt - Date.now(), 4500);
});

test("does not come back when told not to, until somebody acts", async () => {
  const words = {
    4401: "bad_token", 4403: "forbidden", 4429: "too_many_connections", 1002: "refused",
    1008: "refused",
  };
  for (const [code, word] of Object.entries(words)) {
    const chat = connect();
    await settle();
    const dials = server.dials;
    server.hangUp(Number(code), "because");
    await settle();
    await pass(60 * SECOND);
    assert.equal(chat.state, "refused");
    assert.equal(chat.error.code, word);
    assert.equal(server.dials, dials);
    chat.connect();
    await settle();
    assert.equal(chat.state, "online");
    chat.close();
  }
});

test("codes that say come back are believed", async () => {
  for (const code of [1000, 1001, 1005, 1006, 1011, 1012, 1013, 4000, 4008, 4009]) {
    const chat = connect();
    await settle();
    server.hangUp(code);
    await settle();
    assert.equal(chat.state, "waiting", String(code));
    chat.close();
  }
});

test("a name that is taken is refused; another one gets in", async () => {
  const taken = {type: "error", code: "name_taken", message: "taken"};
  server.answer = ({type, name}) => (type === "hello" && name === "Ana" ? taken : undefined);
  const chat = connect();
  await settle();
  assert.equal(chat.state, "refused");
  assert.ok(chat.error instanceof ChatroomError);
  assert.equal(chat.error.code, "name_taken");
  chat.connect({name: "Ana Maria"});
  await settle();
  assert.equal(chat.state, "online");
  assert.equal(chat.user.name, "Ana Maria");
});

test("a token the server no longer knows is dropped, the name kept", async () => {
  server.answer = ({type, token}) =>
    type === "hello" && token ? {type: "error", code: "bad_token"} : undefined;
  const chat = connect({token: "token-old"});
  let told = false;
  chat.on("token", (token) => (told = token === undefined));
  await settle();
  assert.equal(chat.state, "online");
  assert.ok(told);
});

test("silence is asked about, and a dead connection given up", async () => {
  const chat = connect();
  await settle();
  await pass(30 * SECOND);
  assert.equal(server.asked("ping").length, 1);
  await pass(10 * SECOND);
  assert.equal(chat.state, "online", "the pong came");
  server.answer = () => null;
  await pass(30 * SECOND);
  assert.equal(chat.state, "online");
  await pass(10 * SECOND);
  assert.equal(chat.state, "waiting");
});

test("no connection within 15 s is none", async () => {
  server.answer = () => null; // the hello stays without an answer
  const chat = connect();
  await settle();
  await pass(15 * SECOND);
  assert.equal(chat.state, "waiting");
});

test("close stays away; connect resumes", async () => {
  const chat = connect();
  const {seen} = await enter(chat);
  chat.close();
  server.append("lobby", {text: "1"});
  await pass(60 * SECOND);
  assert.equal(chat.state, "closed");
  assert.equal(server.dials, 1);
  chat.connect();
  await settle();
  assert.deepEqual(seen, [1]);
});

test("the network or the person comes back: connects at once, asks an old connection", async () => {
  const page = new EventTarget();
  page.document = Object.assign(new EventTarget(), {hidden: true});
  const names = ["addEventListener", "document"];
  globalThis.addEventListener = page.addEventListener.bind(page);
  globalThis.document = page.document;
  try {
    const chat = connect();
    await settle();
    page.document.dispatchEvent(new Event("visibilitychange"));
    await settle();
    assert.equal(server.asked("ping").length, 0, "going away is no reason");
    page.document.hidden = false;
    page.document.dispatchEvent(new Event("visibilitychange"));
    await settle();
    assert.equal(server.asked("ping").length, 1);
    server.hangUp();
    await settle();
    assert.equal(chat.state, "waiting");
    page.dispatchEvent(new Event("online"));
    await settle();
    assert.equal(chat.state, "online");
  } finally {
    for (const name of names) delete globalThis[name];
  }
});
