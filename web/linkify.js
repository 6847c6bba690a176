import {element} from "./element.js";

const URLS = /https?:\/\/[^\s<>"]+/giu;
/** What ends a sentence does not belong to the address before it. */
const TRAILING = /[.,;:!?'”’»]+$/u;

/**
 * Text as nodes, its http(s) addresses as links. Nothing is parsed as HTML.
 * @param {string} text
 * @returns {(Node | string)[]}
 */
export function linkify(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(URLS)) {
    const address = trimmed(match[0]);
    if (!URL.canParse(address)) continue;
    nodes.push(text.slice(end, match.index));
    nodes.push(element("a", {href: address, target: "_blank", rel: "noopener noreferrer nofollow"},
      address));
    end = match.index + address.length;
  }
  nodes.push(text.slice(end));
  return nodes;
}

/** Without the sentence's full stop, and without a bracket that was opened before the address. */
function trimmed(match) {
  const address = match.replace(TRAILING, "");
  if (!address.endsWith(")")) return address;
  const unopened = address.split(")").length > address.split("(").length;
  return unopened ? trimmed(address.slice(0, -1)) : address;
}
