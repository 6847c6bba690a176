// Run by test_module.py: node --test
import assert from "node:assert/strict";
import {test} from "node:test";

import {deedInWords} from "../../web/deeds.js";
import {browserIn} from "../../web/devicelist.js";
import {nameFor} from "../../web/roomforms.js";
import {momentInWords} from "../../web/words.js";

const known = {
  nameOf: (id) => ({"u-1": "Olga", "u-2": "Bea"})[id] ?? id,
  titleOf: (room) => ({"~plans": "Plans"})[room] ?? room,
};
const deed = (what, more) => {
  const parts = deedInWords({by: "u-1", what, room: "", subject: "", detail: "", ...more}, known);
  return parts.map((part) => part.name ?? part).join("");
};

test("the audit log in words", () => {
  const at = Date.now() + 3_600_000;
  assert.equal(deed("room.create", {room: "~plans"}), "Olga made the room Plans");
  assert.equal(deed("room.set", {room: "hall", detail: "topic, slow"}), "Olga changed hall: topic, slow");
  assert.equal(deed("room.invite", {room: "~plans", subject: "u-2", detail: "member"}),
    "Olga invited Bea to Plans: member");
  assert.equal(deed("room.kick", {room: "hall", subject: "u-2"}), "Olga removed Bea from hall");
  assert.equal(deed("room.mute", {room: "hall", subject: "u-2", detail: `until ${at} loud`}),
    `Olga muted Bea in hall: until ${momentInWords(at)} loud`);
  assert.equal(deed("ban", {subject: "u-2", detail: "until 0"}),
    `Olga banned Bea on the whole server: ended ${momentInWords(0)}`);
  assert.equal(deed("ban", {by: "command line", subject: "address:192.0.2.1"}),
    "command line banned address:192.0.2.1 on the whole server");
  assert.equal(deed("report.close", {subject: "4"}), "Olga closed report 4");
  assert.equal(deed("account.delete", {subject: "u-1"}), "Olga deleted the account");
  assert.equal(deed("something new", {subject: "u-2"}), "Olga something new Bea");
});

test("a title as a room's name", () => {
  const names = [["Team plans", "team-plans"], ["  Straße 5! ", "straße-5"], ["¡Hola!", "hola"],
    ["--x_y.z", "x_y.z"], ["日本 語", "日本-語"], ["???", ""]];
  for (const [title, name] of names) assert.equal(nameFor(title), name);
});

test("what people call their browsers", () => {
  const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
  const safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 "
    + "(KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1";
  const edge = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/120.0";
  assert.equal(browserIn(firefox), "Firefox on Linux");
  assert.equal(browserIn(safari), "Safari on iOS");
  assert.equal(browserIn(edge), "Edge on Windows");
  assert.equal(browserIn("my bot"), "my bot");
  assert.equal(browserIn(""), "Unknown device");
});
