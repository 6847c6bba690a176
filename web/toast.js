import {byId} from "./element.js";

const LASTS = 7_000;
let timer;

/** Says something in passing: what was done, or why it was not. @param {string} text */
export function toast(text) {
  const node = byId("toast");
  clearTimeout(timer);
  node.textContent = text;
  byId("toast-heard").textContent = text;
  // Anew, so that it is over a dialog that was opened meanwhile.
  node.hidePopover();
  node.showPopover();
  timer = setTimeout(() => {
    node.hidePopover();
    byId("toast-heard").textContent = "";
  }, LASTS);
}
