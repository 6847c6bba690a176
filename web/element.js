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
