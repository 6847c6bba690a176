import {fromHash, takeInvitation, toHash} from "./address.js";
import {Chatroom} from "./chatroom.js";
import {Composer} from "./composer.js";
import {Conversation} from "./conversation.js";
import {Drawers} from "./drawers.js";
import {byId} from "./element.js";
import {Me} from "./me.js";
import {openMenu} from "./menu.js";
import {askForLetter, askForReport, askToDelete} from "./messageforms.js";
import {ModerationDesk} from "./moderationdesk.js";
import {MyRooms} from "./myrooms.js";
import {Names} from "./names.js";
import {PeopleList} from "./people.js";
import {personMenu} from "./personmenu.js";
import {openPicker} from "./picker.js";
import {atLeast, mayRun, maySpeak} from "./roles.js";
import {askForLink, askForRoom, askForSettings, askWhomToInvite} from "./roomforms.js";
import {RoomHeader} from "./roomheader.js";
import {RoomList} from "./roomlist.js";
import {Sanctions} from "./sanctions.js";
import {SearchPanel} from "./searchpanel.js";
import {SignIn} from "./signin.js";
import {speaking} from "./speaking.js";
import {Status} from "./status.js";
import {toast} from "./toast.js";
import {inWords, listed} from "./words.js";

const FIRST_ROOM = "lobby";
const ROOMS_EVERY = 30_000;

/** The page: who we are, the rooms we have open, and the one that is shown. */
class Page {
  #chat = new Chatroom({connect: false, storage: sessionStorageOrNone()});
  #signIn = new SignIn(this.#chat);
  #names = new Names();
  /** @type {MyRooms} */
  #rooms;
  /** @type {import("./openroom.js").OpenRoom | null} */
  #current = null;
  /** What is to be drawn again at the end of this turn. @type {Set<"rooms" | "people">} */
  #stale = new Set();
  #today = new Date().toDateString();
  /** Our role in the room that is shown, and its title, as they were drawn last. */
  #drawn = "";

  #drawers = new Drawers();
  #status = new Status(this.#chat);
  #header = new RoomHeader();
  #people = new PeopleList((user, button) => this.#openPersonMenu(user, button));
  #me = new Me(this.#chat, this.#signIn, () => this.#drawers.close());
  #sanctions = new Sanctions(this.#chat, (room) => this.#rooms.role(room));
  #desk = new ModerationDesk(this.#chat, {
    jump: (room, seq) => this.#jump(room, seq),
    met: (users) => users.forEach((user) => this.#names.learnLater(user)),
    nameOf: (id) => this.#names.of(id),
    titleOf: (room) => this.#rooms.info(room)?.title || room,
  });
  #composer = new Composer({
    posted: () => this.#conversation.follow(),
    comeBack: ({room}) => this.#chat.join(room.name),
    speaking: ({room}) => speaking(room, this.#rooms.role(room), this.#chat.now()),
  });
  #list = new RoomList({
    join: (name) => this.#go(name),
    leave: (name) => this.#rooms.leave(name),
    create: () => askForRoom((name, about) => this.#create(name, about)),
    write: () => askForLetter(undefined, (to, text) => this.#send(to, text)),
  });
  #conversation = new Conversation({
    edit: (message) => this.#composer.edit(message),
    delete: (message) => this.#delete(message),
    person: ({by}, button) => this.#openPersonMenu(by, button),
    more: (message, button) => this.#openMessageMenu(message, button),
    pick: (message, button) => this.#openPicker(message, button),
    react: (message, button) => this.#react(message, button.dataset.emoji),
    undo: ({event}) => this.#sanctions.undo(event, this.#current),
    reacts: ({room}) => room.entered && maySpeak(room.kind, this.#rooms.role(room)) && !room.muted,
    runs: ({room}) => mayRun(room.kind, this.#rooms.role(room)),
    read: () => this.#read(),
  });

  async start() {
    const invitation = takeInvitation(location, history);
    await this.#signIn.look();
    this.#rooms = new MyRooms(this.#chat, this.#signIn.account);
    this.#listen();
    for (const item of this.#chat.unsent) if (!item.room) this.#seeOff(item);
    const first = this.#rooms.restore();
    this.#show(fromHash(location.hash).room ?? first ?? FIRST_ROOM);
    this.#status.show();
    const told = this.#signIn.start(invitation);
    if (told) toast(told);
  }

  #listen() {
    const chat = this.#chat;
    chat.on("welcome", () => this.#welcomed());
    this.#rooms.on("opened", (open) => this.#listenTo(open));
    this.#rooms.on("gone", (name) => this.#left(name));
    this.#rooms.on("change", () => this.#touch("rooms", "people"));
    addEventListener("hashchange", () => this.#addressChanged());
    addEventListener("pagehide", () => this.#rooms.flush());
    document.addEventListener("visibilitychange", () => this.#read());
    byId("search").addEventListener("click", () => this.#search());
    addEventListener("keydown", (event) => this.#keyed(event));
    setInterval(() => this.#keepFresh(), ROOMS_EVERY);
  }

  #addressChanged() {
    const invitation = takeInvitation(location, history);
    if (invitation) this.#signIn.start(invitation);
    else this.#show(fromHash(location.hash).room ?? FIRST_ROOM);
  }

  #welcomed() {
    this.#names.learn(this.#chat.user);
    this.#composer.limit = this.#chat.limits.text_length;
    this.#me.show();
    this.#conversation.redraw();
    this.#touch("people");
    this.#rooms.refresh();
    this.#desk.refresh();
  }

  /** @param {import("./openroom.js").OpenRoom} open */
  #listenTo(open) {
    const {room} = open;
    const ifCurrent = (act) => () => open === this.#current && act();
    room.on("members", ifCurrent(() => this.#touch("people")));
    room.on("typing", ifCurrent(() => this.#tellTyping()));
    room.on("standing", ifCurrent(() => this.#composer.heed()));
    room.on("event", ({by, user}) => {
      this.#names.learn(by);
      this.#names.learn(user);
    });
    room.on("state", (state) => this.#roomState(open, state));
  }

  #roomState(open, state) {
    const {room} = open;
    const current = open === this.#current;
    if (state === "refused" && this.#rooms.size > 1) {
      const why = `${open.title}: ${inWords(room.error)}`;
      this.#list.complain(why);
      if (!byId("room-error").checkVisibility({visibilityProperty: true})) toast(why);
      this.#rooms.drop(room.name);
    } else if (state === "put out" && !current) {
      toast(`${open.title}: ${inWords(room.error)}`);
      this.#rooms.drop(room.name);
    }
    if (open !== this.#current) return;
    this.#showAround();
    this.#composer.heed();
    this.#status.show(room);
  }

  /** @param {string} name */
  #show(name) {
    const before = this.#current;
    this.#current = this.#rooms.open(name);
    if (before?.room.state === "put out" && before !== this.#current) this.#rooms.drop(before.room.name);
    this.#conversation.show(this.#current);
    this.#composer.show(this.#current);
    this.#status.show(this.#current.room);
    this.#drawers.close();
    this.#tellTyping();
    this.#stale.add("rooms").add("people");
    this.#showAround();
  }

  /** Shows a room, and says so in the address. @param {string} name */
  #go(name) {
    const hash = toHash(name.normalize("NFC").toLowerCase());
    if (location.hash !== hash) history.pushState(null, "", hash);
    this.#show(name);
  }

  #left(name) {
    const [next] = this.#rooms.opens;
    if (name === this.#current?.room.name) this.#go(next?.room.name ?? FIRST_ROOM);
    this.#touch("rooms");
  }

  #keepFresh() {
    if (!document.hidden) {
      this.#rooms.refresh();
      this.#desk.refresh();
    }
    const today = new Date().toDateString();
    if (today !== this.#today) this.#conversation.redraw(); // what was today is yesterday
    this.#today = today;
  }

  #read() {
    if (document.hidden) this.#rooms?.flush();
    else if (this.#conversation.following) this.#current?.markRead();
  }

  /** What the panels show has changed: they are drawn once, however much happens in this turn. */
  #touch(...panels) {
    if (!this.#stale.size) setTimeout(() => this.#showAround());
    for (const panel of panels) this.#stale.add(panel);
  }

  #showAround() {
    if (this.#stale.has("rooms")) this.#list.show(this.#rooms.listing(this.#current));
    const {room, title} = this.#current;
    const info = this.#rooms.info(room.name);
    const drawn = `${this.#rooms.role(room)} ${title}`;
    if (drawn !== this.#drawn) this.#conversation.redraw(); // what can be done there, or its name
    this.#drawn = drawn;
    if (this.#stale.has("people")) {
      for (const user of room.members.values()) this.#names.learn(user);
      this.#people.show(room, this.#chat.user, info?.other);
      this.#composer.heed();
    }
    this.#stale.clear();
    this.#header.show(this.#current, info, this.#roomMenu());
    const {unread} = this.#rooms;
    document.title = `${unread ? `(${unread}) ` : ""}${title} · chatroom`;
  }

  #tellTyping() {
    const names = this.#current.room.typers.map(({name}) => name);
    const verb = names.length === 1 ? "is" : "are";
    const who = names.length > 3 ? "Several people" : listed(names);
    byId("typing").textContent = names.length ? `${who} ${verb} writing…` : "";
  }

  /** @returns {import("./menu.js").Item[]} */
  #roomMenu() {
    const open = this.#current;
    const {room} = open;
    const role = this.#rooms.role(room);
    const leavable = this.#rooms.leavable(room);
    const leave = {label: "Leave room", act: () => this.#rooms.leave(room.name)};
    if (!mayRun(room.kind, role) || !room.entered) return leavable ? [leave] : [];
    const server = this.#chat.role;
    const link = {label: "Invitation link…", act: () => askForLink(this.#signIn.door, server, open)};
    return [
      {label: "Room settings…", act: () => askForSettings(room)},
      {label: "Invite somebody…", act: () => askWhomToInvite(open)},
      ...atLeast(server, "moderator") && room.kind === "private" ? [link] : [],
      ...leavable ? ["separator", leave] : [],
    ];
  }

  #openPersonMenu(user, button) {
    const items = this.#personItems(user);
    if (items.length) openMenu(button, items, user.name);
  }

  #personItems(user) {
    const open = this.#current;
    const {room} = open;
    const here = {
      room, role: this.#rooms.role(room), serverRole: this.#chat.role, us: this.#chat.user?.id,
      muted: open.isMuted(user.id),
    };
    return personMenu(user, here, {
      write: () => this.#write(user),
      mute: () => this.#sanctions.mute(user, open),
      unmute: () => this.#sanctions.unmute(user, open),
      kick: () => this.#sanctions.kick(user, open),
      ban: () => this.#sanctions.ban(user, open),
      role: (_user, role) => this.#sanctions.role(user, open, role),
    });
  }

  #openMessageMenu(message, button) {
    const {room} = this.#current;
    const person = this.#personItems(message.by);
    const remove = {label: "Delete message…", danger: true, act: () => this.#delete(message)};
    const report = {label: "Report message…", act: () => this.#report(message)};
    const runs = mayRun(room.kind, this.#rooms.role(room));
    openMenu(button, [
      ...person, ...person.length ? ["separator"] : [], report, ...runs ? [remove] : [],
    ], "Message");
  }

  #openPicker(message, button) {
    openPicker(button, (emoji) => this.#haveReacted(message, emoji),
      (emoji) => this.#react(message, emoji));
  }

  #haveReacted({reactions}, emoji) {
    const {us} = this.#current;
    return reactions.some((tally) => tally.emoji === emoji && tally.by.includes(us.id));
  }

  /** Puts an emoji there, or takes it away where it is. */
  async #react(message, emoji) {
    const {room} = this.#current;
    try {
      await room.react(message.seq, emoji, !this.#haveReacted(message, emoji));
    } catch (error) {
      toast(inWords(error));
    }
  }

  #delete(message) {
    const {room} = this.#current;
    askToDelete(message, () => {
      room.delete(message.seq);
      this.#composer.focus();
    });
  }

  #report(message) {
    const {room} = this.#current;
    askForReport(message, async (reason) => {
      await room.report(message.seq, reason);
      toast("The moderators are told.");
    });
  }

  #write(user) {
    const known = this.#rooms.directWith(user.id);
    if (known) this.#go(known.name);
    else askForLetter(user, (to, text) => this.#send(to, text));
  }

  async #send(to, text) {
    const letter = this.#chat.sendTo(to, text);
    try {
      const {room} = await letter;
      await this.#rooms.refresh();
      this.#go(room);
    } catch (error) {
      letter.discard();
      throw error;
    }
  }

  /** A letter from before the page was loaded, which no dialog waits for any more. */
  #seeOff(letter) {
    letter.catch((error) => {
      toast(`“${letter.fields.text}” was not sent. ${inWords(error)}`);
      letter.discard();
    });
  }

  async #create(name, about) {
    const made = await this.#chat.createRoom(name, about);
    await this.#rooms.refresh();
    this.#go(made.name);
  }

  #keyed(event) {
    const {key, ctrlKey, metaKey, altKey, shiftKey} = event;
    if (key.toLowerCase() !== "k" || ctrlKey === metaKey || altKey || shiftKey) return;
    event.preventDefault();
    if (!document.querySelector("dialog[open]")) this.#search();
  }

  #search() {
    this.#drawers.close();
    new SearchPanel(this.#chat, this.#current.room.name, {
      jump: (room, seq) => this.#jump(room, seq),
      titleOf: (room) => this.#rooms.titleOf(room),
    }).show();
  }

  async #jump(room, seq) {
    this.#go(room);
    if (!(await this.#conversation.jumpTo(seq))) toast("The message is not there any more.");
  }
}

function sessionStorageOrNone() {
  try {
    return sessionStorage;
  } catch {
    return undefined;
  }
}

new Page().start();
