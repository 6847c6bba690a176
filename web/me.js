import {askForPassword, askToDelete} from "./accountforms.js";
import {DeviceList} from "./devicelist.js";
import {avatar, byId} from "./element.js";
import {openMenu} from "./menu.js";
import {askForLink} from "./roomforms.js";
import {atLeast} from "./roles.js";
import {toast} from "./toast.js";
import {inWords} from "./words.js";

const ROLES = {owner: "Owner", moderator: "Moderator", member: "Member"};

/** Who we are, at the foot of the list of rooms: and what we can do about it. */
export class Me {
  #chat;
  #signIn;

  /**
   * @param {import("./chatroom.js").Chatroom} chat
   * @param {import("./signin.js").SignIn} signIn
   * @param {() => void} acted something was chosen: what is over the page may go
   */
  constructor(chat, signIn, acted) {
    this.#chat = chat;
    this.#signIn = signIn;
    const on = (id, act) => byId(id).addEventListener("click", () => {
      acted();
      act();
    });
    on("rename", () => signIn.rename());
    on("log-in", () => signIn.ask("login"));
    const button = byId("my-menu");
    button.addEventListener("click", () => openMenu(button, this.#items(), "Account"));
  }

  /** We are somebody now. */
  show() {
    const {user, role} = this.#chat;
    const guest = user.kind === "guest";
    byId("my-name").textContent = user.name;
    byId("my-role").textContent = guest ? "" : ROLES[role] ?? "";
    byId("my-role").hidden = guest;
    byId("rename").hidden = !guest;
    byId("log-in").hidden = !guest;
    avatar(user, byId("my-avatar"));
    document.body.classList.add("known");
  }

  #items() {
    const plain = {label: "Plain page", act: () => (location.href = "plain.html")};
    if (!this.#signIn.account) {
      const {signUp} = this.#signIn.offer;
      const make = {label: "Make an account", act: () => this.#signIn.ask("signup")};
      return [
        {label: "Change name", act: () => this.#signIn.rename()},
        {label: "Log in", act: () => this.#signIn.ask("login")},
        ...signUp === "open" ? [make] : [],
        "separator",
        plain,
      ];
    }
    const {account, role} = this.#chat;
    const invite = {label: "Invite people…", act: () => askForLink(this.#signIn.door, role)};
    return [
      ...atLeast(role, "moderator") ? [invite, "separator"] : [],
      {label: "Devices…", act: () => new DeviceList(account).show()},
      {label: "Change password…", act: () =>
        askForPassword(account, () => toast("Your password is changed."))},
      plain,
      "separator",
      {label: "Log out", act: () => this.#logOut()},
      {label: "Delete account…", danger: true, act: () =>
        askToDelete((password) => this.#signIn.deleteAccount(password))},
    ];
  }

  #logOut() {
    this.#signIn.logOut().catch((error) => toast(inWords(error)));
  }
}
