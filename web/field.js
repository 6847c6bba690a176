import {element} from "./element.js";

/**
 * @typedef {object} FieldInfo
 * @property {string} name
 * @property {string} label
 * @property {"text" | "password" | "textarea" | "select" | "choice" | "check"} [kind]
 * @property {any} [value]
 * @property {string} [hint]
 * @property {string} [placeholder]
 * @property {string} [autocomplete]
 * @property {number} [maxLength]
 * @property {string} [required] what to say where nothing is given
 * @property {{value: any, label: string, hint?: string}[]} [options] of a select or a choice
 *
 * @typedef {object} Field
 * @property {string} name
 * @property {string} [required]
 * @property {HTMLElement} node
 * @property {any} value
 * @property {(text: string) => void} complain
 * @property {() => void} focus
 */

let ids = 0;

/** A labelled field of a form, with a place for what is wrong with it. @param {FieldInfo} info */
export function field(info) {
  const make = {select, choice, check, textarea}[info.kind ?? "text"] ?? input;
  return make({...info, id: `field-${++ids}`});
}

/** What all fields are made of: the label, the control, a hint, and the error. */
function labelled(info, control) {
  const {id, name, label, hint, required} = info;
  const error = element("p", {className: "error", id: `${id}-error`, role: "alert"});
  const about = hint ? element("p", {className: "hint", id: `${id}-hint`}, hint) : "";
  Object.assign(control, {id, name});
  control.setAttribute("aria-describedby", hint ? `${id}-hint ${id}-error` : `${id}-error`);
  const complain = (text) => {
    error.textContent = text;
    control.setAttribute("aria-invalid", String(Boolean(text)));
  };
  control.addEventListener("input", () => complain(""));
  return {
    name, required, complain,
    node: element("div", {className: "labelled"},
      element("label", {htmlFor: id}, label), control, about, error),
    get value() {
      return control.value.trim();
    },
    focus: () => control.select?.() ?? control.focus(),
  };
}

function input(info) {
  const {kind = "text", value = "", placeholder = "", autocomplete = "off", maxLength} = info;
  const control = element("input", {type: kind, value, placeholder, autocomplete});
  if (maxLength) control.maxLength = maxLength;
  const made = labelled(info, control);
  // A password is as it was typed.
  if (kind !== "password") return made;
  return Object.defineProperty(made, "value", {get: () => control.value});
}

function textarea(info) {
  const {value = "", placeholder = "", maxLength} = info;
  const control = element("textarea", {value, placeholder, rows: 3});
  if (maxLength) control.maxLength = maxLength;
  control.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) control.form.requestSubmit();
  });
  return labelled(info, control);
}

function select(info) {
  const control = element("select", {},
    ...info.options.map(({value, label}) => element("option", {value: String(value)}, label)));
  control.value = String(info.value ?? info.options[0].value);
  const made = labelled(info, control);
  return Object.defineProperty(made, "value", {
    get: () => info.options.find(({value}) => String(value) === control.value)?.value,
  });
}

/** A few possibilities side by side. */
function choice({id, name, label, options, value = options[0].value}) {
  const radios = options.map((option, index) => element("input", {
    type: "radio", name: id, id: `${id}-${index}`, checked: option.value === value,
  }));
  const chosen = () => options[radios.findIndex(({checked}) => checked)];
  const parts = options.flatMap((option, index) =>
    [radios[index], element("label", {htmlFor: `${id}-${index}`}, option.label)]);
  const hint = element("p", {className: "hint", "aria-live": "polite"}, chosen().hint ?? "");
  const node = element("fieldset", {className: "choice"},
    element("legend", {}, label), element("div", {}, ...parts), hint);
  node.addEventListener("change", () => (hint.textContent = chosen().hint ?? ""));
  return {
    name, node,
    get value() {
      return chosen().value;
    },
    complain: () => {},
    focus: () => radios.find(({checked}) => checked).focus(),
  };
}

function check({id, name, label, value = false}) {
  const box = element("input", {type: "checkbox", id, checked: value});
  return {
    name,
    node: element("div", {className: "check"}, box, element("label", {htmlFor: id}, label)),
    get value() {
      return box.checked;
    },
    complain: () => {},
    focus: () => box.focus(),
  };
}
