import {spanInWords} from "./words.js";

/** Whether an error says when to try again. @param {import("./errors.js").ChatroomError} error */
export const saysWhen = ({code, retryAfter}) => code === "rate_limited" && retryAfter !== undefined;

/** What is said once; the seconds are on the button, where nothing reads them out one by one. */
export const TOO_FAST = "Too many tries. Wait a little, then try again.";

/**
 * Keeps a button from being pressed for as long as the server asks, and counts down on it.
 * @param {HTMLButtonElement} button
 * @param {number} retryAfter seconds
 */
export function countDown(button, retryAfter) {
  const label = button.textContent;
  const until = Date.now() + retryAfter * 1000;
  button.disabled = true;
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? `${label} in ${spanInWords(left)}` : label;
    if (left > 0) setTimeout(tick, 250);
  };
  tick();
}
