// Run by test_module.py: node --test
import assert from "node:assert/strict";
import {afterEach, beforeEach, mock, test} from "node:test";

import {Chatroom, ChatroomError} from "../../web/chatroom.js";
import {FakeServer, settle} from "./fake_server.mjs";

const SECOND = 1000;

/** @type {FakeServer} */
let server;
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

function connect(options = {}) {
  const {WebSocket} = server;
  const chat = new Chatroom("ws://server/ws", {name: "Ana", WebSocket, ...options});
  chats.push(chat);
  return chat;
}

/** Joins, and keeps what the room hands out. */
async function enter(chat, name = "lobby", position) {
  const room = chat.join(name, position);
  const seen = [];
  room.on("event", ({seq}) => seen.push(seq));
  await settle();
  return {room, seen};
}

async function pass(milliseconds) {
  mock.timers.tick(milliseconds);
  await settle();
}

const upTo = (last, first = 1) => Array.from({length: last - first + 1}, (_, i) => i + first);

test("says hello, joins, and hands out the newest messages", async () => {
  server.append("lobby", {text: "one"});
  server.append("lobby", {text: "two"});
  const chat = connect({token: "token-u-7"});
  const room = chat.join("Lobby");
  const texts = [];
  room.on("message", ({text}) => texts.push(text));
  await settle();
  const hello = {type: "hello", name: "Ana", token: "token-u-7", client: "web"};
  assert.deepEqual(server.requests[0], hello);
  assert.equal(chat.state, "online");
  assert.equal(chat.user.id, "u-7");
  assert.equal(room.state, "live");
  assert.deepEqual(texts, ["one", "two"]);
  assert.deepEqual([...room.members.keys()], ["u-7"]);
});

test("the same room is joined once, also from a listener of the welcome", async () => {
  const chat = connect();
  chat.on("welcome", () => assert.equal(chat.join("lobby"), chat.join("LOBBY")));
  await settle();
  assert.equal(server.asked("join").length, 1);
});

test("coming back asks for what is after the last event, and hands out each once", async () => {
  server.append("lobby", {text: "1"});
  const {seen} = await enter(connect());
  server.publish("lobby", {text: "2"});
  await settle();
  server.hangUp();
  server.append("lobby", {text: "3"});
  await settle();
  await pass(SECOND);
  assert.deepEqual(seen, [1, 2, 3]);
  const {since, epoch} = server.asked("join")[1];
  assert.deepEqual({since, epoch}, {since: 2, epoch: "epoch-1"});
});

test("comes back as the same guest", async () => {
  const chat = connect();
  await settle();
  server.hangUp();
  await settle();
  await pass(SECOND);
  assert.deepEqual(server.asked("hello").map(({token}) => token), [undefined, "token-u-1"]);
  assert.equal(chat.user.id, "u-1");
});

test("a resume longer than one reply is read to the end, live events waiting", async () => {
  const {room, seen} = await enter(connect(), "lobby", {since: 0, epoch: "epoch-1"});
  server.hangUp();
  for (let i = 0; i < 1300; i++) server.append("lobby", {text: "x"});
  let published = false;
  server.answer = ({type}) => {
    // Arrives between the pages of the history.
    if (type === "history" && !published) published = server.publish("lobby", {text: "live"});
    return undefined;
  };
  await settle();
  await pass(SECOND);
  assert.deepEqual(seen, upTo(1301));
  assert.deepEqual(server.asked("history").map(({after}) => after), [500, 1000]);
  assert.equal(room.state, "live");
});

test("a resume interrupted goes on where it stopped", async () => {
  const {seen} = await enter(connect(), "lobby", {since: 0, epoch: "epoch-1"});
  server.hangUp();
  for (let i = 0; i < 1200; i++) server.append("lobby", {text: "x"});
  let cut = false;
  server.answer = ({type, after}) => {
    if (type !== "history" || after !== 500 || cut) return undefined;
    cut = true;
    server.hangUp();
    return null;
  };
  await settle();
  await pass(SECOND);
  await pass(2 * SECOND);
  assert.ok(cut);
  assert.deepEqual(seen, upTo(1200));
  assert.equal(server.asked("join").at(-1).since, 500);
});

test("a hole is filled before what came after it", async () => {
  const {room, seen} = await enter(connect());
  const first = server.append("lobby", {text: "1"});
  server.append("lobby", {text: "2"});
  const third = server.append("lobby", {text: "3"});
  server.tell(server.socket, first);
  server.tell(server.socket, third);
  await settle();
  assert.deepEqual(seen, [1, 2, 3]);
  assert.deepEqual(server.asked("history").map(({after}) => after), [1]);
  assert.equal(room.state, "live");
});

test("a hole the server cannot fill is told and passed", async () => {
  const {room, seen} = await enter(connect());
  const gaps = [];
  room.on("gap", (gap) => gaps.push(gap));
  server.append("lobby", {text: "1"});
  server.log("lobby")[0].seq = 4;
  server.tell(server.socket, server.log("lobby")[0]);
  await settle();
  assert.deepEqual(seen, [4]);
  assert.deepEqual(gaps, [{after: 0, before: 4}]);
});

test("an event that comes twice is handed out once; unknown types count", async () => {
  const {seen} = await enter(connect());
  const event = server.publish("lobby", {type: "something new"});
  server.tell(server.socket, event);
  server.publish("lobby", {text: "2"});
  await settle();
  assert.deepEqual(seen, [1, 2]);
  assert.equal(server.asked("history").length, 0);
});

test("another epoch: the room begins anew", async () => {
  for (let i = 0; i < 80; i++) server.append("lobby", {text: "x"});
  const {room, seen} = await enter(connect());
  assert.deepEqual(seen, upTo(80, 31));
  room.on("reset", () => seen.push("reset"));
  server.hangUp();
  server.epoch = "epoch-2";
  server.log("lobby").length = 3;
  await settle();
  await pass(SECOND);
  assert.deepEqual(seen.slice(50), ["reset", 1, 2, 3]);
  assert.deepEqual(room.position, {since: 3, epoch: "epoch-2"});
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

test("a room goes by the name the server gives it", async () => {
  server.roomName = (name) => name.replace("ß", "ss");
  const chat = connect();
  const room = chat.join("Straße");
  const post = room.post("hi");
  const seen = [];
  room.on("message", ({text}) => seen.push(text));
  await settle();
  assert.equal(room.name, "strasse");
  assert.equal(chat.join("strasse"), room);
  assert.equal(post.state, "sent");
  assert.deepEqual(seen, ["hi"]);
  const twin = chat.join("STRAßE");
  await settle();
  assert.equal(twin.state, "refused");
  assert.equal(twin.error.code, "conflict");
  twin.leave();
  assert.equal(chat.join("strasse"), room);
});

test("a room that refuses is asked again at the next join", async () => {
  server.answer = ({type}) => (type === "join" ? {type: "error", code: "forbidden"} : undefined);
  const chat = connect();
  const room = chat.join("secret");
  await settle();
  assert.equal(room.state, "refused");
  assert.equal(room.error.code, "forbidden");
  server.answer = () => undefined;
  assert.equal(chat.join("secret"), room);
  await settle();
  assert.equal(room.state, "live");
});

test("a join that is limited is tried again; leaving forgets the room", async () => {
  const limited = {type: "error", code: "rate_limited", retry_after: 1};
  server.answer = ({type}) => (type === "join" ? limited : undefined);
  const chat = connect();
  const room = chat.join("lobby");
  await settle();
  assert.equal(room.state, "joining");
  server.answer = () => undefined;
  await pass(SECOND);
  assert.equal(room.state, "live");
  room.leave();
  await settle();
  assert.equal(server.asked("leave").length, 1);
  assert.deepEqual(chat.joined, []);
  server.hangUp();
  await settle();
  await pass(SECOND);
  assert.equal(server.asked("join").length, 2);
  assert.equal(room.state, "left");
});

test("a join put off is not made up for on the next connection, which joins anyway", async () => {
  const limited = {type: "error", code: "rate_limited", retry_after: 5};
  server.answer = ({type}) => (type === "join" ? limited : undefined);
  const room = connect().join("lobby");
  await settle();
  server.answer = () => undefined;
  server.hangUp();
  await settle();
  await pass(SECOND);
  assert.equal(room.state, "live");
  await pass(5 * SECOND);
  assert.equal(server.asked("join").length, 2);
});

test("leaving while being let in", async () => {
  const chat = connect();
  await settle();
  const seen = [];
  const room = chat.join("lobby");
  room.on("event", ({seq}) => seen.push(seq));
  room.leave();
  await settle();
  server.publish("lobby", {text: "1"});
  await settle();
  assert.equal(room.state, "left");
  assert.deepEqual(seen, []);
  assert.equal(server.asked("leave").length, 1);
});

test("one listener's mistake costs the others nothing", async () => {
  mock.method(console, "error", () => {});
  const chat = connect();
  const room = chat.join("lobby");
  const seen = [];
  room.on("message", () => {
    throw new Error("mine");
  });
  const stop = room.on("message", ({text}) => seen.push(text));
  await settle();
  server.publish("lobby", {text: "1"});
  await settle();
  stop();
  server.publish("lobby", {text: "2"});
  await settle();
  assert.deepEqual(seen, ["1"]);
  assert.equal(room.position.since, 2);
});

test("members come and go; in a large room only their number", async () => {
  const {room} = await enter(connect());
  const bea = {id: "u-9", name: "Bea", kind: "guest"};
  for (const state of ["online", "online", "offline"]) {
    server.tell(server.socket, {type: "presence", room: "lobby", user: bea, state});
    await settle();
    assert.equal(room.count, state === "online" ? 2 : 1);
    assert.equal(room.members.has("u-9"), state === "online");
  }
  server.tell(server.socket, {type: "presence", room: "lobby", count: 140});
  await settle();
  assert.equal(room.count, 140);
  const unlisted = {id: "u-77", name: "Cleo", kind: "guest"};
  server.tell(server.socket, {type: "presence", room: "lobby", user: unlisted, state: "offline"});
  await settle();
  assert.equal(room.count, 139);
});

test("who is typing is shown for six seconds, or until the message", async () => {
  const {room} = await enter(connect());
  const by = {id: "u-other", name: "Other"};
  const names = () => room.typers.map(({name}) => name);
  const typing = {type: "typing", room: "lobby", user: by, on: true};
  const tell = () => server.tell(server.socket, typing);
  tell();
  await settle();
  assert.deepEqual(names(), ["Other"]);
  await pass(6 * SECOND);
  assert.deepEqual(names(), []);
  tell();
  server.publish("lobby", {text: "there"}, by);
  await settle();
  assert.deepEqual(names(), []);
});

test("our typing is told once in three seconds", async () => {
  const {room} = await enter(connect());
  for (let i = 0; i < 5; i++) room.typing();
  await pass(3 * SECOND);
  room.typing();
  room.typing(false);
  await settle();
  assert.deepEqual(server.asked("typing").map(({on}) => on), [true, true, false]);
  room.typing();
  await room.post("there");
  room.typing(false); // the message has said so
  room.typing();
  await settle();
  assert.deepEqual(server.asked("typing").slice(3).map(({on}) => on), [true, true]);
});
