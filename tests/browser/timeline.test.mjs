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
  assert.equal(timeline.apply({type: "reaction", seq: 5, target: 1}), undefined);
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
