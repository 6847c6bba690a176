import {element} from "./element.js";

/** Shows an invitation's link, to be copied; it is not shown again. @param {string} link */
export function showLink(link) {
  const input = element("input", {
    value: link, readOnly: true, id: "invitation-link", "aria-label": "Invitation link",
  });
  const copy = element("button", {type: "button", className: "primary"}, "Copy");
  copy.addEventListener("click", async () => {
    input.select();
    copy.textContent = (await copied(link)) ? "Copied" : "Press Ctrl+C";
  });
  const done = element("button", {className: "quiet"}, "Done");
  const dialog = element("dialog", {"aria-label": "Invitation link"},
    element("form", {method: "dialog"},
      element("h2", {}, "Your link"),
      element("p", {}, "Send it to whom you want here. It is shown only now."),
      input, element("div", {className: "buttons"}, done, copy)));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  input.select();
}

/** Pages without TLS may not write to the clipboard, unless the old way still works. */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return document.execCommand("copy");
  }
}
