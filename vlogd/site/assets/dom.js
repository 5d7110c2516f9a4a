// Building blocks. Titles come from file names, so data is only ever set as text.

export function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

// Sets a text only where it differs: what did not change is not read out or laid out again.
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function clock(seconds) {
  const s = Math.round(seconds), pad = (n) => String(n).padStart(2, "0");
  const h = Math.floor(s / 3600), m = Math.floor((s % 3600) / 60);
  return h ? `${h}:${pad(m)}:${pad(s % 60)}` : `${m}:${pad(s % 60)}`;
}

export function day(iso) {
  const moment = new Date(iso);
  return Number.isNaN(moment.getTime()) ? "" : moment.toLocaleDateString(undefined, { dateStyle: "medium" });
}
