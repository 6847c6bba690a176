// Run by test_module.py: node --test
import assert from "node:assert/strict";
import {test} from "node:test";

import {fromHash, takeInvitation, toHash} from "../../web/address.js";
import {ChatroomError} from "../../web/errors.js";
import {happening, undoable} from "../../web/happening.js";
import {personMenu} from "../../web/personmenu.js";
import {atLeast, mayRun, maySpeak, roleIn} from "../../web/roles.js";
import {speaking} from "../../web/speaking.js";
import {inWords, momentInWords, spanInWords} from "../../web/words.js";

const bob = {id: "u-bob", name: "Bob"};
const ana = {id: "u-ana", name: "Ana"};

const said = (event, us) =>
  happening(event, us).map((part) => part.name ?? part.said ?? part).join("");
const member = (change, more) => ({type: "member", by: bob, user: ana, change, ...more});

test("what happens to people, as sentences", () => {
  assert.equal(said(member("invited", {role: "member"})), "Ana was invited by Bob.");
  assert.equal(said(member("invited", {role: "moderator"})), "Ana was invited by Bob as a moderator.");
  assert.equal(said(member("kicked")), "Ana was removed by Bob.");
  assert.equal(said(member("kicked", {reason: "spam"})), "Ana was removed by Bob: spam");
  const at = Date.now() + 7 * 86_400_000;
  assert.equal(said(member("banned", {until: at})), `Ana was banned by Bob until ${momentInWords(at)}.`);
  assert.equal(said(member("muted"), "u-ana"), "You were muted by Bob.");
  assert.equal(said(member("unmuted"), "u-ana"), "Bob lets you speak again.");
  assert.equal(said(member("unbanned")), "Bob lets Ana in again.");
  assert.equal(said(member("role", {role: "owner"})), "Bob made Ana an owner.");
  assert.equal(said(member("role", {role: "guest"})), "Bob took Ana’s place away.");
  assert.equal(said(member("role", {role: "guest"}), "u-ana"), "Bob took your place away.");
  assert.equal(said(member("something new")), "");
  assert.ok(happening(member("kicked"), "").some(({name}) => name === "Ana"), "names stand apart");
});

test("what happens to a room, as sentences", () => {
  const room = (more) => said({type: "room", by: bob, ...more});
  assert.equal(room({title: "Hall"}), "Bob named the room “Hall”.");
  assert.equal(room({topic: "Tea"}), "The topic is now “Tea”.");
  assert.equal(room({topic: "", slow: 90}),
    "Bob took the topic away. Slow mode: one message every 1 min 30 s.");
  assert.equal(room({slow: 0}), "Slow mode is off.");
  assert.ok(undoable(member("muted")));
  assert.ok(!undoable(member("kicked")));
});

test("spans of time", () => {
  const spans = [[0.2, "1 s"], [59, "59 s"], [60, "1 min"], [61.5, "1 min 2 s"], [3600, "1 h"],
    [5400, "1 h 30 min"], [86400, "24 h"]];
  for (const [seconds, words] of spans) assert.equal(spanInWords(seconds), words);
});

test("errors are said in the server's words, or in better ones", () => {
  const words = (...error) => inWords(new ChatroomError(...error));
  assert.equal(words("forbidden", "only an owner can do that"), "Only an owner can do that.");
  assert.match(words("name_taken", "x"), /Pick another one/);
  assert.equal(words("strange"), "That is not possible.");
  assert.equal(words("kicked", "spam", {by: bob}), "You were removed from this room by Bob: spam");
  assert.equal(words("banned", "", {by: bob}), "You were banned from this room by Bob.");
});

test("the role in a room", () => {
  assert.equal(roleIn(undefined, "guest"), "guest");
  assert.equal(roleIn({kind: "public", role: "moderator"}, "member"), "moderator");
  assert.equal(roleIn({kind: "public", role: "member"}, "owner"), "owner");
  assert.equal(roleIn({kind: "private", role: "member"}, "owner"), "member");
  assert.ok(atLeast("owner", "moderator"));
  assert.ok(maySpeak("public", "guest"));
  assert.ok(!maySpeak("announcement", "member"));
  assert.ok(mayRun("private", "moderator"));
  assert.ok(!mayRun("direct", "owner"));
});

test("whether one may write, and why not", () => {
  const room = {state: "live", kind: "public", muted: null, nextPostAt: 0};
  assert.deepEqual(speaking(room, "guest", 1000), {});
  assert.match(speaking({...room, kind: "announcement"}, "member", 0).closed, /Only moderators/);
  assert.deepEqual(speaking({...room, kind: "announcement"}, "moderator", 0), {});
  const muted = {until: null, reason: "loud"};
  assert.deepEqual(speaking({...room, muted}, "member", 0), {closed: "You are muted: loud", until: undefined});
  const slow = {...room, nextPostAt: 5000};
  assert.deepEqual(speaking(slow, "member", 1000), {
    wait: "Slow mode: next message in 4 s", until: 5000,
  });
  assert.deepEqual(speaking(slow, "moderator", 1000), {});
  assert.deepEqual(speaking(slow, "member", 5000), {});
  const error = new ChatroomError("kicked", "spam", {by: bob});
  assert.equal(speaking({...room, state: "put out", error}, "member", 0).closed,
    "You were removed from this room by Bob: spam");
  assert.ok(speaking({...room, state: "refused"}, "member", 0).closed);
});

test("what can be done about somebody, by whom", () => {
  const act = {};
  const labels = (role, {serverRole = "member", kind = "public", ...more} = {}) =>
    personMenu(ana, {room: {kind}, role, serverRole, us: "u-bob", ...more}, act)
      .map((item) => item.label ?? "-");
  assert.deepEqual(labels("member"), ["Write to Ana"]);
  assert.deepEqual(labels("moderator"), ["Write to Ana", "-", "Mute…", "Remove from room…", "Ban…"]);
  assert.deepEqual(labels("moderator", {muted: true})[2], "Let speak again");
  assert.deepEqual(labels("owner"), [
    "Write to Ana", "-", "Make moderator", "Make member", "-", "Mute…", "Remove from room…", "Ban…",
  ]);
  assert.deepEqual(labels("member", {kind: "private", serverRole: "owner"}), [
    "Write to Ana", "-", "Mute…", "Ban…",
  ]);
  assert.deepEqual(labels("member", {kind: "direct"}), []);
  assert.deepEqual(labels("owner", {us: "u-ana"}), []);
});

test("the address names a room, or has an invitation that does not stay there", () => {
  assert.deepEqual(fromHash("#lobby"), {room: "lobby"});
  assert.deepEqual(fromHash("#room=lobby"), {room: "lobby"});
  assert.deepEqual(fromHash(toHash("~plans/ä")), {room: "~plans/ä"});
  assert.deepEqual(fromHash(""), {});
  assert.deepEqual(fromHash("#%E0%A4%A"), {});
  assert.deepEqual(fromHash("#invite=ci_abc"), {invitation: "ci_abc"});
  const replaced = [];
  const history = {replaceState: (...how) => replaced.push(how)};
  const location = {hash: "#invite=ci_abc", pathname: "/", search: "?x"};
  assert.equal(takeInvitation(location, history), "ci_abc");
  assert.deepEqual(replaced, [[null, "", "/?x"]]);
  assert.equal(takeInvitation({...location, hash: "#lobby"}, history), undefined);
  assert.equal(replaced.length, 1);
});
