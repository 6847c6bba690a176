import {element} from "./element.js";
import {toast} from "./toast.js";
import {inWords, momentInWords} from "./words.js";

/** Where the account is logged in; each device can be logged out. */
export class DeviceList {
  #account;
  #list = element("ul", {className: "devices"});
  #others = element("button", {type: "button", className: "danger", hidden: true}, "Log out all others");
  #dialog;

  /** @param {import("./account.js").Account} account */
  constructor(account) {
    this.#account = account;
    const done = element("button", {className: "quiet"}, "Close");
    this.#others.addEventListener("click", () => this.#end(undefined));
    this.#dialog = element("dialog", {className: "wide", "aria-label": "Devices"},
      element("form", {method: "dialog"},
        element("h2", {}, "Devices"),
        element("p", {}, "Where you are logged in."),
        this.#list, element("div", {className: "buttons"}, this.#others, done)));
    this.#dialog.addEventListener("close", () => this.#dialog.remove());
  }

  async show() {
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    await this.#refresh();
  }

  async #refresh() {
    try {
      const devices = await this.#account.sessions();
      this.#list.replaceChildren(...devices.map((device) => this.#device(device)));
      this.#others.hidden = devices.length < 2;
    } catch (error) {
      this.#list.replaceChildren(element("li", {className: "error"}, inWords(error)));
    }
  }

  /** @param {import("./account.js").Device} device */
  #device({id, client, address, seen, current}) {
    const when = current ? "this device" : `last seen ${momentInWords(seen)}`;
    const about = element("span", {className: "about"},
      element("strong", {title: client}, browserIn(client)),
      element("span", {className: "note"}, [address, when].filter(Boolean).join(" · ")));
    if (current) return element("li", {}, about);
    const end = element("button", {type: "button"}, "Log out");
    end.addEventListener("click", () => this.#end(id));
    return element("li", {}, about, end);
  }

  async #end(id) {
    try {
      await this.#account.endSession(id);
    } catch (error) {
      toast(inWords(error));
    }
    await this.#refresh();
  }
}

const BROWSERS = [
  [/Edg\//, "Edge"], [/OPR\//, "Opera"], [/Firefox\//, "Firefox"], [/Chrom(e|ium)\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS = [
  [/Android/, "Android"], [/iPhone|iPad/, "iOS"], [/Windows/, "Windows"], [/Mac OS X/, "macOS"],
  [/CrOS/, "ChromeOS"], [/Linux/, "Linux"],
];

/** What people call the browser that calls itself this. @param {string} client */
export function browserIn(client) {
  const named = (list) => list.find(([pattern]) => pattern.test(client))?.[1];
  const [browser, system] = [named(BROWSERS), named(SYSTEMS)];
  if (!browser) return client.slice(0, 60) || "Unknown device";
  return system ? `${browser} on ${system}` : browser;
}
