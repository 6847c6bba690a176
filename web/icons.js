const SVG = "http://www.w3.org/2000/svg";

/** The shapes of a 20 by 20 picture, drawn as lines. */
const PATHS = {
  public: "M7.5 3.5l-1.8 13M14 3.5l-1.8 13M3.5 7.5h13M3 12.5h13",
  announcement: "M3 8v4h3l7 4V4L6 8H3M16 7.5a3.5 3.5 0 0 1 0 5",
  private: "M5 9h10v7.5H5zM7 9V6.5a3 3 0 0 1 6 0V9",
  more: "M4.5 10h.01M10 10h.01M15.5 10h.01",
  smile: "M10 3a7 7 0 1 0 0 14a7 7 0 1 0 0-14M7.5 8.2h.01M12.5 8.2h.01M6.8 11.8a3.8 3.8 0 0 0 6.4 0",
  plus: "M10 4v12M4 10h12",
  cross: "M5 5l10 10M15 5L5 15",
  down: "M5.5 8l4.5 4.5L14.5 8",
  shield: "M10 3l6 2v4.5c0 3.7-2.4 6.3-6 7.5-3.6-1.2-6-3.8-6-7.5V5z",
  undo: "M7.5 5L4 8.5 7.5 12M4.5 8.5H12a4 4 0 0 1 0 8H9",
};

/** @param {keyof typeof PATHS} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add(`icon-${name}`);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
