import {element} from "./element.js";
import {popUp} from "./menu.js";

/** What is offered: the most said in few words. Names are for who does not see them. */
const OFFERED = [
  ["👍", "Thumbs up"], ["❤️", "Heart"], ["😂", "Laughing"], ["🎉", "Hooray"], ["😮", "Surprised"],
  ["😢", "Sad"], ["🙏", "Thank you"], ["👀", "Looking at it"], ["✅", "Done"], ["🔥", "Fire"],
  ["🤔", "Thinking"], ["👎", "Thumbs down"],
];
const COLUMNS = 6;

/**
 * Opens a choice of emoji beside a button. The arrow keys go through it, Escape closes it.
 * @param {HTMLElement} anchor
 * @param {(emoji: string) => boolean} isOurs whether we have put it there already
 * @param {(emoji: string) => void} choose
 */
export function openPicker(anchor, isOurs, choose) {
  const menu = element("div", {className: "menu picker", role: "menu", "aria-label": "React"});
  menu.append(...OFFERED.map(([emoji, name]) => {
    const node = element("button", {
      type: "button", role: "menuitemcheckbox", tabIndex: -1, title: name, "aria-label": name,
      "aria-checked": String(isOurs(emoji)),
    }, emoji);
    node.addEventListener("click", () => {
      menu.hidePopover();
      choose(emoji);
    });
    return node;
  }));
  popUp(menu, anchor, COLUMNS);
}
