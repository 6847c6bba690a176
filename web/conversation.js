import {arrange, byId, element} from "./element.js";
import {
  dayInWords, drawHappening, drawMessage, drawNotice, drawUnsent, sameDay, sameGroup,
} from "./message.js";
import {Unsent} from "./outbox.js";
import {counted} from "./words.js";

/** So many messages are in the document at most, so many at first, so many more at a time. */
const MOST = 1000;
const TAIL = 150;
const STEP = 150;
/** So many posts that wait are shown: who queues more knows. */
const PENDING = 200;
/** Pixels from an edge at which what lies beyond is brought in. */
const NEAR = 600;
/** Pixels from the bottom that still count as being there. */
const SLACK = 48;

/**
 * The messages of the room that is open: a window on its timeline, which follows the newest for as
 * long as the reader is at the bottom, and stays put when not.
 */
export class Conversation {
  #scroll = byId("scroll");
  #list = byId("messages");
  #beginning = byId("beginning");
  #pill = byId("pill");
  /** @type {import("./openroom.js").OpenRoom | null} */
  #open = null;
  /** The window: items of the timeline, `#last` not included. */
  #first = 0;
  #last = 0;
  #following = true;
  /** Where the timeline ended when the reader left the bottom. */
  #left = 0;
  /** @type {Map<object, HTMLElement>} */
  #nodes = new Map();
  /** What each node stood behind when it was framed. @type {WeakMap<HTMLElement, object | null>} */
  #framed = new WeakMap();
  #dirty = new Set();
  #scheduled = false;
  #stopListening = [];
  #act;

  /**
   * @param {object} act with what a button of a message does, by its `data-act`: called with the
   *   message, or what happened, and the button
   * @param {(open: import("./openroom.js").OpenRoom) => boolean} act.runs whether we run the room
   * @param {(open: import("./openroom.js").OpenRoom) => boolean} act.reacts whether we may react in it
   * @param {() => void} act.read what is shown is being looked at
   */
  constructor(act) {
    this.#act = act;
    this.#scroll.addEventListener("scroll", () => this.#scrolled(), {passive: true});
    this.#scroll.addEventListener("keydown", (event) => this.#keyed(event));
    this.#list.addEventListener("click", (event) => this.#clicked(event));
    this.#pill.addEventListener("click", () => this.follow());
    const resized = new ResizeObserver(() => this.#following && this.#toBottom());
    resized.observe(this.#scroll);
  }

  /** @param {import("./openroom.js").OpenRoom} open */
  show(open) {
    for (const stop of this.#stopListening) stop();
    this.#open = open;
    this.#stopListening = [
      open.on("change", (item) => this.#changed(item)),
      open.on("prepended", (count) => this.#prepended(count)),
      open.on("shortened", (count) => this.#shift(-count)),
      open.on("reset", () => this.#clear()),
    ];
    this.#clear();
    this.#render();
  }

  /** Everything is drawn again: who we are has changed. */
  redraw() {
    for (const item of this.#nodes.keys()) this.#dirty.add(item);
    this.#schedule();
  }

  /** Goes to the newest message, and stays there. */
  follow() {
    const {length} = this.#open.timeline.items;
    if (this.#last < length) this.#first = Math.max(0, length - TAIL);
    this.#following = true;
    this.#render();
  }

  get following() {
    return this.#following;
  }

  /**
   * Goes to a message, and points it out.
   * @param {number} seq
   * @returns {Promise<boolean>} whether it is there
   */
  async jumpTo(seq) {
    const open = this.#open;
    const message = await open.find(seq);
    if (!message || open !== this.#open) return false;
    const {items} = open.timeline;
    const index = items.indexOf(message);
    this.#following = false;
    this.#left = items.length;
    if (index < this.#first || index >= this.#last) {
      this.#first = Math.max(0, index - TAIL);
      this.#last = Math.min(items.length, index + TAIL);
    }
    this.#render();
    const node = this.#nodes.get(message);
    node.scrollIntoView({block: "center"});
    node.focus({preventScroll: true});
    node.classList.add("pointed-out");
    node.addEventListener("animationend", () => node.classList.remove("pointed-out"), {once: true});
    return true;
  }

  #clear() {
    const {length} = this.#open.timeline.items;
    this.#nodes.clear();
    this.#list.replaceChildren();
    this.#scroll.setAttribute("aria-live", "off");
    this.#first = Math.max(0, length - TAIL);
    this.#last = length;
    this.#following = true;
    this.#schedule();
  }

  #changed(item) {
    if (item) this.#dirty.add(item);
    this.#schedule();
  }

  #prepended(count) {
    this.#shift(count);
    this.#widen(Math.max(0, this.#first - STEP), this.#last);
  }

  #shift(count) {
    this.#first = Math.max(0, this.#first + count);
    this.#last = Math.max(0, this.#last + count);
    this.#left = Math.max(0, this.#left + count);
  }

  /** Once a frame, however much happens in it. A hidden page has no frames. */
  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const render = () => {
      this.#scheduled = false;
      this.#render();
    };
    if (document.hidden) setTimeout(render);
    else requestAnimationFrame(render);
  }

  #render() {
    const {items} = this.#open.timeline;
    if (this.#following) this.#last = items.length;
    if (this.#following) this.#first = Math.max(this.#first, this.#last - MOST);
    const shown = items.slice(this.#first, this.#last);
    if (this.#last === items.length) shown.push(...this.#open.pending.slice(-PENDING));
    const restore = this.#following ? () => this.#toBottom() : this.#anchor();
    this.#place(shown);
    this.#tellBeginning();
    restore();
    this.#tellPill();
    if (this.#following) this.#act.read();
    if (this.#open.room.state === "live") this.#listenLater();
    this.#fill();
  }

  #place(shown) {
    const kept = new Set(shown);
    const gone = [...this.#nodes.keys()].filter((item) => !kept.has(item));
    for (const item of gone) if (item instanceof Unsent) this.#handOn(item, shown);
    for (const item of gone) this.#nodes.delete(item);
    const nodes = shown.map((item) => this.#node(item));
    nodes.forEach((node, index) => this.#frame(node, shown[index], shown[index - 1] ?? null));
    arrange(this.#list, nodes);
    this.#dirty.clear();
  }

  /** A post that has become a message keeps its node, and with it the focus. */
  #handOn(post, shown) {
    const message = shown.findLast(({key}) => key === post.key);
    if (!message || this.#nodes.has(message) || !this.#open.isOurs(message)) return;
    this.#nodes.set(message, this.#nodes.get(post));
    this.#dirty.add(message);
  }

  #node(item) {
    const node = this.#nodes.get(item) ?? element("li", {tabIndex: -1});
    if (this.#nodes.has(item) && !this.#dirty.has(item)) return node;
    this.#nodes.set(item, node);
    this.#framed.delete(node);
    const restore = focusIn(node);
    this.#draw(node, item);
    restore();
    return node;
  }

  #draw(node, item) {
    if (item instanceof Unsent) drawUnsent(node, item);
    else if (item.kind === "notice") drawNotice(node, item);
    else if (item.kind === "happening") this.#drawHappening(node, item);
    else drawMessage(node, item, this.#about(item));
  }

  #about(message) {
    const open = this.#open;
    const whoReacted = (tally) => open.whoReacted(tally);
    return {...open.about(message), us: open.us.id, mayReact: this.#act.reacts(open), whoReacted};
  }

  #drawHappening(node, item) {
    const mayUndo = this.#act.runs(this.#open);
    drawHappening(node, item, {us: this.#open.us.id, mayUndo});
  }

  /** For what stands before and after it, a post on its way is a message of ours. */
  #asMessage(item) {
    return item instanceof Unsent ? {kind: "message", at: item.at, by: this.#open.us} : item;
  }

  /** Whether a day or a group begins here depends on what stands before. */
  #frame(node, shown, shownBefore) {
    if (this.#framed.get(node) === shownBefore) return;
    this.#framed.set(node, shownBefore);
    const item = this.#asMessage(shown);
    const before = shownBefore && this.#asMessage(shownBefore);
    node.classList.toggle("first", item.kind === "message" && !sameGroup(item, before));
    const label = sameDay(item, before) ? null : dayInWords(item.at);
    const there = node.querySelector(".day");
    if (there?.textContent === (label ?? undefined)) return;
    there?.remove();
    if (label) node.prepend(element("p", {className: "day"}, label));
  }

  #tellBeginning() {
    const {timeline, room, loading} = this.#open;
    const here = this.#first === 0 && !timeline.hasOlder && room.state === "live";
    const name = this.#open.title;
    if (loading) this.#beginning.textContent = "Loading older messages…";
    else if (!here) this.#beginning.textContent = "";
    else if (room.kind === "direct") {
      this.#beginning.textContent = `What you and ${name} write here, nobody else reads.`;
    } else if (timeline.items.length) this.#beginning.textContent = `${name} begins here.`;
    else this.#beginning.textContent = `Nothing in ${name} yet. Say something.`;
    this.#beginning.hidden = !this.#beginning.textContent;
  }

  #tellPill() {
    const since = this.#open.timeline.items.slice(this.#left);
    const fresh = since.filter(({kind}) => kind === "message").length;
    const far = this.#below() > this.#scroll.clientHeight * 1.5;
    this.#pill.hidden = this.#following || !(fresh || far);
    this.#pill.textContent = fresh ? counted(fresh, "new message") : "To the newest";
  }

  /** What was there when we came is not read out, only what comes from now on. */
  #listenLater() {
    if (this.#scroll.getAttribute("aria-live") === "polite") return;
    requestAnimationFrame(() => this.#scroll.setAttribute("aria-live", "polite"));
  }

  /** Too little to fill the window, or near an edge: bring in what lies beyond. */
  #fill() {
    const {items} = this.#open.timeline;
    if (this.#below() < NEAR && this.#last < items.length) {
      this.#widen(this.#first, Math.min(items.length, this.#last + STEP));
    } else if (this.#scroll.scrollTop < NEAR && this.#first > 0) {
      this.#widen(Math.max(0, this.#first - STEP), this.#last);
    } else if (this.#scroll.scrollTop < NEAR) {
      this.#open.loadOlder();
    }
  }

  /** What is too many then goes at the other end. */
  #widen(first, last) {
    const upwards = first < this.#first;
    this.#first = upwards ? first : Math.max(first, last - MOST);
    this.#last = upwards ? Math.min(last, first + MOST) : last;
    this.#schedule();
  }

  #scrolled() {
    // What came since the last frame is not in the window yet; that is no reason to stop following.
    const atEnd = this.#following || this.#last === this.#open.timeline.items.length;
    const following = atEnd && this.#below() < SLACK;
    if (following !== this.#following) {
      this.#following = following;
      this.#left = this.#open.timeline.items.length;
      this.#schedule();
    } else this.#tellPill();
    if (!this.#scheduled) this.#fill();
  }

  #below() {
    const {scrollHeight, scrollTop, clientHeight} = this.#scroll;
    return scrollHeight - scrollTop - clientHeight;
  }

  #toBottom() {
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }

  /** Remembers what the reader looks at; gives a function that puts it back where it was. */
  #anchor() {
    const top = this.#scroll.getBoundingClientRect().top;
    const seen = [...this.#nodes].find(([, node]) => node.getBoundingClientRect().bottom > top);
    if (!seen) return () => {};
    const [, node] = seen;
    const was = node.getBoundingClientRect().top;
    return () => {
      if (node.isConnected) this.#scroll.scrollTop += node.getBoundingClientRect().top - was;
    };
  }

  #clicked(event) {
    const button = event.target.closest("button[data-act]");
    if (!button) return;
    const {act, key} = button.dataset;
    if (key) {
      const item = this.#open.room.unsent.find((each) => each.key === key);
      if (act === "retry") item?.retry();
      else item?.discard();
      return;
    }
    const seq = Number(button.closest("li").dataset.seq);
    const item = this.#open.timeline.items.findLast((each) => each.seq === seq);
    if (item) this.#act[act](item, button);
  }

  #keyed(event) {
    const current = document.activeElement.closest("#messages > li");
    const move = {
      ArrowUp: () => (current ? current.previousElementSibling : this.#list.lastElementChild),
      ArrowDown: () => current?.nextElementSibling,
    }[event.key];
    const next = move?.();
    if (!next) return;
    event.preventDefault();
    next.focus();
  }
}

/** What is drawn anew has other buttons than before: gives a function that finds the one in focus again. */
function focusIn(node) {
  const {activeElement} = document;
  if (activeElement === node || !node.contains(activeElement)) return () => {};
  const {act, emoji} = activeElement.dataset;
  return () => {
    const buttons = [...node.querySelectorAll("button[data-act]")];
    const same = buttons.find(({dataset}) => dataset.act === act && dataset.emoji === emoji);
    // Some are only there while the focus is on the message.
    node.focus({preventScroll: true});
    same?.focus({preventScroll: true});
  };
}
