/** @param {string} id */
export const byId = (id) => document.getElementById(id);

/**
 * An element with its properties set, its attributes (names with a dash), and children, which are
 * nodes or text. Nothing here is ever parsed as HTML.
 * @param {string} tag
 * @param {Record<string, any>} [properties]
 * @param {(Node | string)[]} children
 */
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-")) node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children);
  return node;
}

/**
 * Makes `list` hold these nodes, in this order. Those in place already are not moved: they keep the
 * focus, and a click that is under way.
 * @param {Element} list
 * @param {Iterable<Element>} nodes
 */
export function arrange(list, nodes) {
  const wanted = new Set(nodes);
  for (const node of [...list.children]) if (!wanted.has(node)) node.remove();
  let cursor = list.firstElementChild;
  for (const node of wanted) {
    if (node === cursor) cursor = cursor.nextElementSibling;
    else list.insertBefore(node, cursor);
  }
}

/**
 * The round picture of a user: an initial, in a colour that is always the same for that user.
 * @param {{id: string, name: string}} user
 * @param {HTMLElement} [node]
 */
export function avatar(user, node = element("span", {className: "avatar", "aria-hidden": "true"})) {
  let hash = 0;
  for (const character of user.id) hash = (hash * 31 + character.codePointAt(0)) % 3600;
  node.style.setProperty("--hue", String(hash / 10));
  node.textContent = [...user.name][0]?.toUpperCase() ?? "?";
  return node;
}
