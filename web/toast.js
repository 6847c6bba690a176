import {byId} from "./element.js";

const LASTS = 7_000;
let timer;

/** Says something in passing: what was done, or why it was not. @param {string} text */
export function toast(text) {
  const node = byId("toast");
  clearTimeout(timer);
  node.textContent = text;
  node.hidden = false;
  timer = setTimeout(() => {
    node.hidden = true;
    node.textContent = "";
  }, LASTS);
}
