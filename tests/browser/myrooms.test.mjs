// Run by test_module.py: node --test
import assert from "node:assert/strict";
import {test} from "node:test";

import {MyRooms} from "../../web/myrooms.js";
import {connect, server, settle} from "./stage.mjs";

const ROOM = "@one.other";

/** A direct room with somebody, as the server lists it: with what it holds now. */
async function withALetter() {
  server.answer = ({type}) => {
    if (type !== "rooms") return undefined;
    const head = server.log(ROOM).length;
    return {rooms: [{name: ROOM, title: "", kind: "direct", head, unread: 0, other: {id: "u-2", name: "Bob"}}]};
  };
  server.append(ROOM, {text: "hello"});
  const rooms = new MyRooms(connect(), null);
  await settle();
  await rooms.refresh();
  return rooms;
}

const listed = (rooms) => rooms.listing(null).direct.map(({name}) => name);

test("put away: what was said since the list was asked for does not bring it back", async () => {
  const rooms = await withALetter();
  rooms.open(ROOM);
  await settle();
  server.publish(ROOM, {text: "and another"});
  await settle();
  rooms.leave(ROOM);
  await settle();
  assert.deepEqual(listed(rooms), []);
  server.append(ROOM, {text: "something new"});
  await rooms.refresh();
  await settle();
  assert.deepEqual(listed(rooms), [ROOM]);
});

test("put away without having been opened", async () => {
  const rooms = await withALetter();
  let told = 0;
  rooms.on("change", () => told++);
  assert.deepEqual(listed(rooms), [ROOM]);
  rooms.leave(ROOM);
  assert.deepEqual(listed(rooms), []);
  assert.equal(told, 1);
});
