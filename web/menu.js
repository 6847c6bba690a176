import {element} from "./element.js";

/** @typedef {{label: string, act: () => void, danger?: boolean} | "separator"} Item */

/** Pixels between a menu and what it belongs to, and the window's edges. */
const GAP = 6;

/**
 * Opens a menu beside the button it belongs to. Escape and a press elsewhere close it, as does what
 * was chosen.
 * @param {HTMLElement} anchor
 * @param {Item[]} items
 * @param {string} label what the menu is of
 */
export function openMenu(anchor, items, label) {
  const menu = element("div", {className: "menu", role: "menu", "aria-label": label},
    ...items.map((item) => (item === "separator" ? separator() : button(item, () => menu))));
  popUp(menu, anchor);
}

/**
 * Shows a menu beside the button it belongs to, until it is closed.
 * @param {HTMLElement} menu with a button for each item
 * @param {HTMLElement} anchor
 * @param {number} [columns] in which the items stand
 */
export function popUp(menu, anchor, columns = 1) {
  menu.popover = "auto";
  menu.addEventListener("keydown", (event) => keyed(menu, event, columns));
  menu.addEventListener("toggle", ({newState}) => {
    anchor.setAttribute("aria-expanded", String(newState === "open"));
    if (newState === "closed") menu.remove();
  });
  // A modal dialog makes everything outside of it inert.
  (anchor.closest("dialog") ?? document.body).append(menu);
  menu.showPopover();
  place(menu, anchor.getBoundingClientRect());
  menu.querySelector("button")?.focus();
}

function button({label, act, danger}, menu) {
  const node = element("button", {
    type: "button", role: "menuitem", className: danger ? "danger-item" : "", tabIndex: -1,
  }, label);
  node.addEventListener("click", () => {
    menu().hidePopover();
    act();
  });
  return node;
}

const separator = () => element("hr", {role: "separator"});

/** Below the anchor where there is room, else above it; never outside the window. */
function place(menu, anchor) {
  const {offsetWidth: width, offsetHeight: height} = menu;
  const below = anchor.bottom + GAP + height < innerHeight;
  const top = below ? anchor.bottom + GAP : Math.max(GAP, anchor.top - GAP - height);
  const left = Math.min(anchor.left, innerWidth - width - GAP);
  menu.style.top = `${top}px`;
  menu.style.left = `${Math.max(GAP, left)}px`;
}

function keyed(menu, event, columns) {
  const items = [...menu.querySelectorAll("button")];
  const at = items.indexOf(document.activeElement);
  const sideways = columns > 1;
  const next = {
    ArrowDown: items[(at + columns) % items.length],
    ArrowUp: items.at(at - columns),
    ArrowRight: sideways && items[(at + 1) % items.length],
    ArrowLeft: sideways && items.at(at - 1),
    Home: items[0],
    End: items.at(-1),
  }[event.key];
  if (event.key === "Tab") menu.hidePopover();
  if (!next) return;
  event.preventDefault();
  next.focus();
}
