import {deedInWords} from "./deeds.js";
import {element} from "./element.js";
import {toast} from "./toast.js";
import {counted, inWords, momentInWords} from "./words.js";

const DEEDS = 50;

/**
 * What was reported, and who did what: for the server's moderators.
 *
 * @typedef {import("./moderation.js").Report} Report
 */
export class ModerationPanel {
  #chat;
  #act;
  #tabs;
  #body = element("div", {className: "moderation-body", tabIndex: 0});
  #dialog;

  /**
   * @param {import("./chatroom.js").Chatroom} chat
   * @param {object} act
   * @param {(room: string, seq: number) => void} act.jump
   * @param {(users: import("./roompeople.js").User[]) => void} act.met their names are known now
   * @param {(id: string) => string} act.nameOf
   * @param {(room: string) => string} act.titleOf
   * @param {() => void} act.changed fewer reports are open
   */
  constructor(chat, act) {
    this.#chat = chat;
    this.#act = act;
    this.#tabs = ["Reports", "Audit log"].map((label) => {
      const tab = element("button", {type: "button", role: "tab"}, label);
      tab.addEventListener("click", () => this.#turn(tab));
      return tab;
    });
    const done = element("button", {className: "quiet"}, "Close");
    this.#body.setAttribute("role", "tabpanel");
    this.#dialog = element("dialog", {className: "wide", "aria-label": "Moderation"},
      element("form", {method: "dialog"},
        element("h2", {}, "Moderation"),
        this.#tablist(),
        this.#body, element("div", {className: "buttons"}, done)));
    this.#dialog.addEventListener("close", () => this.#dialog.remove());
  }

  show() {
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    this.#turn(this.#tabs[0]);
    return this;
  }

  /** One stop for the keyboard; the arrows turn from one to the other. */
  #tablist() {
    const list = element("div", {className: "tabs", role: "tablist"}, ...this.#tabs);
    list.addEventListener("keydown", ({key}) => {
      if (key !== "ArrowLeft" && key !== "ArrowRight") return;
      const other = this.#tabs.find((tab) => tab !== document.activeElement);
      other.focus();
      this.#turn(other);
    });
    return list;
  }

  async #turn(tab) {
    for (const each of this.#tabs) {
      each.setAttribute("aria-selected", String(each === tab));
      each.tabIndex = each === tab ? 0 : -1;
    }
    this.#body.setAttribute("aria-label", tab.textContent);
    this.#body.replaceChildren(element("p", {className: "note"}, "Loading…"));
    try {
      if (tab === this.#tabs[0]) await this.#showReports();
      else await this.#showDeeds();
    } catch (error) {
      if (!error.code) throw error;
      this.#body.replaceChildren(element("p", {className: "error"}, inWords(error)));
    }
  }

  async #showReports() {
    const {reports, users} = await this.#chat.moderation.reports();
    this.#act.met(users);
    this.#act.changed();
    if (!reports.length) {
      this.#body.replaceChildren(element("p", {className: "empty"}, "Nothing is waiting to be looked at."));
      return;
    }
    const nodes = reports.map((report) => this.#report(report));
    this.#body.replaceChildren(element("ul", {className: "reports"}, ...nodes));
  }

  /** @param {Report} report */
  #report(report) {
    const {room, by, at, reason} = report;
    const excerpt = element("blockquote", {dir: "auto"}, "…");
    const button = (label, act, className = "") => {
      const node = element("button", {type: "button", className}, label);
      node.addEventListener("click", act);
      return node;
    };
    const show = button("Show", () => {
      this.#dialog.close();
      this.#act.jump(room, report.seq);
    });
    const remove = button("Delete", () => this.#delete(report), "danger");
    const done = button("Done", () => this.#close(report));
    this.#quote(report, excerpt, [show, remove]);
    return element("li", {},
      element("p", {className: "note"},
        element("bdi", {}, this.#act.nameOf(by)), " reported in ", element("bdi", {}, this.#act.titleOf(room)),
        ` · ${momentInWords(at)}`),
      excerpt,
      ...reason ? [element("p", {dir: "auto"}, reason)] : [],
      element("div", {className: "buttons"}, show, remove, done));
  }

  /** What was reported, as far as we may read it. */
  async #quote({room, seq}, excerpt, buttons) {
    let words = "";
    try {
      const {events} = await this.#chat.request("history", {room, before: seq + 1, limit: 1});
      const message = events.find((event) => event.seq === seq);
      if (message && !message.deleted) {
        excerpt.replaceChildren(element("strong", {}, element("bdi", {}, message.by.name)), ` ${message.text}`);
        return;
      }
      words = "It is deleted.";
    } catch (error) {
      if (!error.code) throw error;
      words = error.code === "not_found" ? "It is in a room that you are not in." : inWords(error);
    }
    excerpt.replaceChildren(element("em", {}, words));
    for (const button of buttons) button.disabled = true;
  }

  async #delete(report) {
    const {room, seq} = report;
    await this.#try(async () => {
      await this.#chat.request("delete", {room, seq});
      await this.#chat.moderation.closeReport(report.id);
    });
  }

  async #close({id}) {
    await this.#try(() => this.#chat.moderation.closeReport(id));
  }

  async #try(act) {
    try {
      await act();
    } catch (error) {
      if (!error.code) throw error;
      toast(inWords(error));
    }
    await this.#turn(this.#tabs[0]);
  }

  async #showDeeds() {
    const list = element("ul", {className: "deeds"});
    const more = element("button", {type: "button"}, "Show older");
    let before;
    const load = async () => {
      const {deeds, users} = await this.#chat.moderation.audit({before, limit: DEEDS});
      this.#act.met(users);
      list.append(...deeds.map((deed) => this.#deed(deed)));
      before = deeds.at(-1)?.at;
      more.hidden = deeds.length < DEEDS;
    };
    more.addEventListener("click", () => load().catch((error) => toast(inWords(error))));
    await load();
    const empty = element("p", {className: "empty"}, "Nothing has been done yet.");
    this.#body.replaceChildren(list.children.length ? list : empty, more);
  }

  #deed(deed) {
    const parts = deedInWords(deed, this.#act).map((part) =>
      (typeof part === "string" ? part : element("bdi", {}, part.name)));
    return element("li", {},
      element("time", {dateTime: new Date(deed.at).toISOString()}, momentInWords(deed.at)),
      element("span", {}, ...parts));
  }
}

/** @param {number} count */
export const reportsInWords = (count) => counted(count, "open report");
