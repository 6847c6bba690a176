// Run by test_module.py: node --test
import assert from "node:assert/strict";
import {test} from "node:test";

import {Timeline} from "../../web/timeline.js";

const by = {id: "u-1", name: "Ana"};
const message = (seq, text, more = {}) => ({type: "message", seq, at: seq * 10, by, text, ...more});
const edited = (seq, target, text) => ({type: "edited", seq, at: seq * 10, by, target, text});
const deleted = (seq, target) => ({type: "deleted", seq, at: seq * 10, by, target});

const texts = (timeline) => timeline.items.map(({text}) => text);

function timelineOf(...events) {
  const timeline = new Timeline();
  for (const event of events) timeline.apply(event);
  return timeline;
}

test("edits and deletions change the message they mean", () => {
  const timeline = timelineOf(message(1, "a"), message(2, "b"), edited(3, 1, "A"), deleted(4, 2));
  assert.deepEqual(texts(timeline), ["A", ""]);
  assert.equal(timeline.message(1).edited, 30);
  assert.equal(timeline.message(2).deleted, true);
  assert.equal(timeline.apply({type: "member", seq: 5}).kind, "happening");
});

test("a message that was told as it reads now is not set back by its older edits", () => {
  const timeline = timelineOf(
    message(1, "third", {edited: 40}), message(2, "", {deleted: true}),
    edited(3, 1, "second"), edited(4, 1, "third"), edited(5, 2, "before it was deleted"),
  );
  assert.deepEqual(texts(timeline), ["third", ""]);
});

test("older ones come before, with the changes that came while they were asked for", () => {
  const timeline = timelineOf(message(5, "five"));
  timeline.apply(edited(6, 2, "two, edited"));
  timeline.apply(deleted(7, 3));
  assert.ok(timeline.hasOlder);
  assert.equal(timeline.prepend([message(1, "one"), message(2, "two"), message(3, "three")]), 3);
  assert.deepEqual(texts(timeline), ["one", "two, edited", "", "five"]);
  assert.equal(timeline.oldest, 1);
  assert.ok(!timeline.hasOlder);
});

test("a page of the log without messages is passed over", () => {
  const timeline = timelineOf(message(5, "five"));
  assert.equal(timeline.prepend([edited(3, 1, "x"), deleted(4, 1)]), 0);
  assert.equal(timeline.oldest, 3);
  assert.equal(timeline.prepend([]), 0);
  assert.ok(!timeline.hasOlder);
});

test("what is forgotten is asked for again", () => {
  const timeline = timelineOf(...[1, 2, 3, 4].map((seq) => message(seq, String(seq))));
  timeline.notice("from the server", 50);
  assert.equal(timeline.shorten(3), 2);
  assert.deepEqual(texts(timeline), ["3", "4", "from the server"]);
  assert.equal(timeline.oldest, 3);
  assert.equal(timeline.message(1), undefined);
  timeline.prepend([message(1, "1"), message(2, "2")]);
  assert.deepEqual(texts(timeline), ["1", "2", "3", "4", "from the server"]);
});

const reaction = (seq, target, emoji, who, on = true) =>
  ({type: "reaction", seq, at: seq * 10, by: {id: who, name: who}, target, emoji, on});
const under = (timeline, seq = 1) =>
  timeline.message(seq).reactions.map(({emoji, by, count}) => `${emoji} ${by.join()} ${count}`);

test("what is put under a message is there until it is taken away", () => {
  const timeline = timelineOf(message(1, "a"), reaction(2, 1, "👍", "u-2"), reaction(3, 1, "🎉", "u-2"));
  assert.equal(timeline.apply(reaction(4, 1, "👍", "u-3")), timeline.message(1), "it is drawn again");
  assert.deepEqual(under(timeline), ["👍 u-2,u-3 2", "🎉 u-2 1"]);
  timeline.apply(reaction(5, 1, "👍", "u-2", false));
  timeline.apply(reaction(6, 1, "🎉", "u-2", false));
  timeline.apply(reaction(7, 1, "🎉", "u-2", false));
  assert.deepEqual(under(timeline), ["👍 u-3 1"]);
  timeline.apply(deleted(8, 1));
  timeline.apply(reaction(9, 1, "", "u-3"));
  assert.deepEqual(under(timeline), []);
});

test("what a message was told with is not counted again", () => {
  const timeline = new Timeline();
  const by = Array.from({length: 20}, (_, index) => `u-${index}`);
  const told = message(1, "a", {reactions: [{emoji: "👍", by, count: 30}]});
  for (const event of [told, reaction(2, 1, "👍", "u-25")]) timeline.apply(event, 3);
  assert.equal(timeline.message(1).reactions[0].count, 30);
  timeline.apply(reaction(4, 1, "👍", "u-40"), 3);
  assert.equal(timeline.message(1).reactions[0].count, 31);
  timeline.apply(reaction(5, 1, "👍", "u-1", false), 3);
  assert.equal(timeline.message(1).reactions[0].count, 30);
});

test("an older message comes with what is under it, and what came since it was asked for", () => {
  const timeline = timelineOf(message(5, "five"));
  timeline.apply(reaction(6, 2, "👍", "u-2"));
  timeline.apply(reaction(7, 2, "👍", "u-3"));
  const told = message(2, "two", {reactions: [{emoji: "👍", by: ["u-2"], count: 1}]});
  timeline.prepend([told, reaction(3, 2, "👍", "u-2")], 6);
  assert.deepEqual(under(timeline, 2), ["👍 u-2,u-3 2"]);
});
