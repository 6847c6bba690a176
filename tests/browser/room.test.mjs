// Run by test_module.py: node --test
import assert from "node:assert/strict";
import {mock, test} from "node:test";

import {SECOND, connect, enter, pass, server, settle} from "./stage.mjs";

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

test("who is left in a room that was large is asked for, once", async () => {
  const {room} = await enter(connect());
  const [bea, cleo] = ["Bea", "Cleo"].map((name) => ({id: `u-${name}`, name, kind: "guest"}));
  server.answer = ({type}) => (type === "who" ? {type: "ok", members: [bea, cleo], count: 2} : undefined);
  server.tell(server.socket, {type: "presence", room: "lobby", count: 140});
  for (const name of ["Dan", "Eva", "Fay"]) {
    const user = {id: `u-${name}`, name, kind: "guest"};
    server.tell(server.socket, {type: "presence", room: "lobby", user, state: "offline"});
  }
  await settle();
  await pass(2 * SECOND);
  assert.equal(server.asked("who").length, 1);
  assert.deepEqual([...room.members.values()], [bea, cleo]);
  server.tell(server.socket, {type: "presence", room: "lobby", user: cleo, state: "offline"});
  await settle();
  await pass(2 * SECOND);
  assert.equal(server.asked("who").length, 1);
  assert.deepEqual([room.count, [...room.members.keys()]], [1, ["u-Bea"]]);
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

test("a reaction waits where the server asks for patience, and is handed out like all that happens", async () => {
  const {seq} = server.append("lobby", {text: "one"});
  const {room} = await enter(connect());
  const heard = [];
  room.on("reaction", ({emoji, on}) => heard.push([emoji, on]));
  let patience = true;
  server.answer = ({type, seq: target, emoji, on}) => {
    if (type !== "react") return undefined;
    if (!patience) return {seq: server.publish("lobby", {type: "reaction", target, emoji, on}).seq};
    patience = false;
    return {type: "error", code: "rate_limited", message: "too fast", retry_after: 1};
  };
  const done = room.react(seq, "👍");
  await settle();
  await pass(2 * SECOND);
  await done;
  await settle();
  assert.deepEqual(heard, [["👍", true]]);
  const asked = server.asked("react").map(({seq: target, emoji, on}) => [target, emoji, on]);
  assert.deepEqual(asked, [[seq, "👍", true], [seq, "👍", true]]);
});
