/** What a program sees of chatroom.js. docs/javascript.md of the project shows how it is used. */

export interface User {
  id: string;
  name: string;
  kind?: "guest" | "user" | "bot";
}

export type Role = "owner" | "moderator" | "member" | "guest";
export type RoomKind = "public" | "announcement" | "private" | "direct";

export interface Options {
  /** The guest's name. */
  name?: string;
  /** From an earlier `welcome`, to be the same guest again; or an API key, or a site's token. */
  token?: string;
  /** What is connecting, for the server's log; `web` when not given. */
  client?: string;
  /** false: not before `connect()` is called. */
  connect?: boolean;
  /** Where unsent posts survive a reload: sessionStorage, say. */
  storage?: StorageLike;
  storageKey?: string;
  /**
   * Where there is no global one. Without any, and where the network breaks WebSockets, the
   * connection is an event stream, and requests go by POST.
   */
  WebSocket?: WebSocketClass;
  /** For that, where not the global one. */
  fetch?: typeof globalThis.fetch;
}

/** As much of a Storage as is used. */
export interface StorageLike {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** A browser's WebSocket, Node's, or that of the package `ws`. */
export type WebSocketClass = new (url: string, protocols: string[]) => {
  onopen: any;
  onmessage: any;
  onclose: any;
  onerror: any;
  send(text: string): void;
  close(code?: number): void;
};

export interface Identity {
  name?: string;
  token?: string;
}

export interface Welcome {
  user: User;
  role?: Role;
  epoch: string;
  /** What the server allows, by name. */
  limits: Record<string, number>;
  /** The server's, in ms since 1970. */
  time: number;
  /** To be kept, to be the same guest or on the same login next time. */
  token?: string;
  /** Of several servers, which one this is, where they have names. */
  node?: string;
}

export interface RoomInfo {
  name: string;
  title: string;
  kind: RoomKind;
  /** The `seq` of its newest event. */
  head: number;
  /** Who is there now. */
  count: number;
  topic: string;
  /** Seconds between two posts of one member. */
  slow: number;
  /** Ours there. */
  role?: Role;
  /** The `seq` up to which we have read it. */
  read?: number;
  unread?: number;
  /** Who a direct room is with. */
  other?: User;
}

/** What every event of a room's log has. */
export interface LoggedEvent {
  type: string;
  room: string;
  seq: number;
  /** ms since 1970. */
  at: number;
  by: { id: string; name: string };
  key?: string;
  [field: string]: any;
}

export interface Message extends LoggedEvent {
  type: "message";
  text: string;
  reply_to?: number;
  data?: Record<string, any>;
  /** When it was last changed, where it is read later. */
  edited?: number;
  deleted?: boolean;
}

export interface Edited extends LoggedEvent {
  type: "edited";
  target: number;
  text: string;
}

export interface Deleted extends LoggedEvent {
  type: "deleted";
  target: number;
}

export interface Reaction extends LoggedEvent {
  type: "reaction";
  target: number;
  emoji: string;
  on: boolean;
}

export interface MemberChanged extends LoggedEvent {
  type: "member";
  user: User;
  change: string;
  role?: Role;
  until?: number;
  reason?: string;
}

export interface RoomChanged extends LoggedEvent {
  type: "room";
  title?: string;
  topic?: string;
  slow?: number;
}

export interface Closing {
  reason: string;
  /** Seconds. */
  reconnect_after: number;
}

export interface Notice {
  text: string;
  room?: string;
}

export type ConnectionState = "idle" | "connecting" | "online" | "waiting" | "refused" | "closed";
export type RoomState =
  | "away"
  | "joining"
  | "catching up"
  | "live"
  | "refused"
  | "put out"
  | "left";
export type UnsentState = "waiting" | "sending" | "sent" | "failed" | "discarded";

/** Where the server has put what was sent. */
export interface Receipt {
  room: string;
  seq: number;
  at: number;
}

export interface Position {
  since?: number | null;
  epoch?: string;
}

export interface Mute {
  /** null: for good. */
  until: number | null;
  reason: string;
}

/** `until` in ms since 1970; for good without it. */
export interface Terms {
  until?: number;
  reason?: string;
}

export interface ChatroomEvents {
  state: ConnectionState;
  welcome: Welcome;
  /** The server does not know the token given any more. */
  token: undefined;
  unsent: Unsent;
  notice: Notice;
  closing: Closing;
  /** In a direct room that was not joined. */
  message: Message;
}

export interface RoomEvents {
  message: Message;
  edited: Edited;
  deleted: Deleted;
  reaction: Reaction;
  member: MemberChanged;
  room: RoomChanged;
  /** All of those. */
  event: LoggedEvent;
  reset: undefined;
  gap: { after: number; before: number };
  members: User[];
  typing: User[];
  notice: Notice;
  read: { seq: number };
  about: undefined;
  standing: undefined;
  unsent: Unsent;
  state: RoomState;
}

/** Something that can be listened to. */
declare class Emitter<Events> {
  /** Calls `listener` at every event of this type, until the function returned is called. */
  on<Type extends keyof Events>(type: Type, listener: (detail: Events[Type]) => void): () => void;
  on<Type extends string>(
    type: Exclude<Type, keyof Events>,
    listener: (detail: any) => void,
  ): () => void;
  off(type: string, listener: (detail: any) => void): void;
}

/** A connection to a server, its rooms, and what waits to be sent. */
export class Chatroom extends Emitter<ChatroomEvents> {
  /** `url`: `wss://host/ws`; by default of the server that the module comes from. */
  constructor(url: string | URL, options?: Options);
  constructor(options?: Options);
  /** Who we are, from the first welcome on. */
  user: User | null;
  /** Ours on the whole server. */
  role: Role;
  limits: Record<string, number>;
  epoch: string | null;
  account: Account;
  moderation: Moderation;
  readonly state: ConnectionState;
  /** Why we were refused. */
  readonly error: ChatroomError | null;
  /** When the connection will be tried again, in ms since 1970. */
  readonly retryAt: number | null;
  readonly unsent: Unsent[];
  readonly joined: Room[];
  /** The server's time, in ms since 1970. */
  now(): number;
  connect(identity?: Identity): void;
  /** Hangs up and stays away until `connect()`. Rooms, and what is unsent, are kept. */
  close(): void;
  reconnect(identity?: Identity): void;
  login(name: string, password: string): Promise<Welcome>;
  /** Joins a room, now or as soon as there is a connection: the same Room every time. */
  join(name: string, position?: Position): Room;
  rooms(): Promise<RoomInfo[]>;
  createRoom(
    name: string,
    about?: { kind?: Exclude<RoomKind, "direct">; title?: string; topic?: string },
  ): Promise<RoomInfo>;
  /** Writes to one user, by id or name. */
  sendTo(user: string, text: string, more?: { data?: object }): Unsent;
  /** The newest messages that have all of the words, in one room or in all that we may read. */
  search(query: string, range?: { room?: string; limit?: number }): Promise<Message[]>;
  /** Any other request of the protocol; fails with a ChatroomError. */
  request(type: string, fields?: object): Promise<any>;
}

/** A room we are in, or will be as soon as there is a connection. */
export class Room extends Emitter<RoomEvents> {
  private constructor();
  title: string;
  kind: RoomKind | "";
  topic: string;
  slow: number;
  error: ChatroomError | null;
  keeping: RoomKeeping;
  readonly name: string;
  readonly state: RoomState;
  /** Whether we are in: posts are sent. */
  readonly entered: boolean;
  /** What has been handed out so far; give it to `join` in another session to go on from here. */
  readonly position: Position;
  readonly members: Map<string, User>;
  readonly count: number;
  readonly typers: User[];
  readonly muted: Mute | null;
  readonly enteredAt: number;
  readonly nextPostAt: number;
  readonly unsent: Unsent[];
  post(text: string, more?: { replyTo?: number; data?: object }): Unsent;
  edit(seq: number, text: string): Unsent;
  delete(seq: number): Unsent;
  react(seq: number, emoji: string, on?: boolean): Promise<void>;
  typing(on?: boolean): void;
  read(seq: number): Promise<void>;
  report(seq: number, reason?: string): Promise<void>;
  history(range: {
    before?: number;
    after?: number;
    limit?: number;
  }): Promise<{ events: LoggedEvent[]; more: boolean }>;
  who(): Promise<User[]>;
  leave(): void;
}

/** A post, an edit or a deletion on its way. Awaited, it gives the server's receipt. */
export class Unsent implements PromiseLike<Receipt> {
  private constructor();
  state: UnsentState;
  error: ChatroomError | null;
  receipt: Receipt | null;
  paused: boolean;
  op: "post" | "edit" | "delete";
  room: string;
  key: string;
  at: number;
  fields: { text?: string; seq?: number; to?: string; reply_to?: number; data?: object };
  /** Tries a failed one again, with the same key. */
  retry(): void;
  discard(): void;
  then<Done = Receipt, Failed = never>(
    fulfilled?: ((receipt: Receipt) => Done | PromiseLike<Done>) | null,
    rejected?: ((error: any) => Failed | PromiseLike<Failed>) | null,
  ): Promise<Done | Failed>;
  catch<Failed = never>(
    rejected?: ((error: any) => Failed | PromiseLike<Failed>) | null,
  ): Promise<Receipt | Failed>;
}

/** A request that was not done. `code` is the protocol's word for why. */
export class ChatroomError extends Error {
  constructor(
    code: string,
    message?: string,
    detail?: {
      retryAfter?: number;
      closeCode?: number;
      until?: number;
      by?: { id: string; name: string };
    },
  );
  code: string;
  /** Seconds. */
  retryAfter?: number;
  closeCode?: number;
  until?: number;
  by?: { id: string; name: string };
  static from(reply: { code?: string; message?: string; retry_after?: number }): ChatroomError;
  /** Whether the same request, sent again later, may be done. */
  readonly temporary: boolean;
}

export interface Device {
  id: string;
  client: string;
  address: string;
  created: number;
  seen: number;
  until: number;
  current: boolean;
}

/** What the owner of an account asks about it. */
declare class Account {
  private constructor();
  sessions(): Promise<Device[]>;
  /** Logs a device out; all but this one without an id. */
  endSession(session?: string): Promise<void>;
  logOut(): Promise<void>;
  changePassword(old: string, wanted: string): Promise<void>;
  delete(password: string): Promise<void>;
}

export interface Report {
  id: number;
  room: string;
  seq: number;
  by: string;
  at: number;
  reason: string;
}

export interface Deed {
  at: number;
  by: string;
  what: string;
  room: string;
  subject: string;
  detail: string;
}

/** What the moderators of the whole server ask. */
declare class Moderation {
  private constructor();
  ban(user: string, terms?: Terms): Promise<void>;
  unban(user: string): Promise<void>;
  banAddress(address: string, terms?: Terms): Promise<void>;
  mute(user: string, terms?: Terms): Promise<void>;
  unmute(user: string): Promise<void>;
  /** Deletes every message of a user; how many those were. */
  purge(user: string): Promise<number>;
  reports(): Promise<{ reports: Report[]; users: User[] }>;
  closeReport(report: number): Promise<void>;
  audit(range?: { before?: number; limit?: number }): Promise<{ deeds: Deed[]; users: User[] }>;
}

/** What those who run one room ask about it. */
declare class RoomKeeping {
  private constructor();
  set(changes: { title?: string; topic?: string; slow?: number }): Promise<void>;
  invite(user: string, role?: Role): Promise<void>;
  setRole(user: string, role: Role): Promise<void>;
  kick(user: string, reason?: string): Promise<void>;
  ban(user: string, terms?: Terms): Promise<void>;
  unban(user: string): Promise<void>;
  mute(user: string, terms?: Terms): Promise<void>;
  unmute(user: string): Promise<void>;
  purge(user: string): Promise<number>;
}

export type { Account, Moderation, RoomKeeping };
