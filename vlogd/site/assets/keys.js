// The player's keys. Enter, Tab and the up and down arrows stay the browser's own.

import { toggleCaptions } from "./captions.js";

export const KEYS = [["space", "play"], ["← →", "5 s"], ["j l", "10 s"], ["c", "captions"], ["f", "full screen"], ["m", "mute"], ["Esc", "list"]];

export function listenToKeys(video, signal, tell) {
  const toggle = () => { if (video.paused) video.play().catch(() => {}); else video.pause(); };
  const jump = (seconds) => { video.currentTime = Math.min(Math.max(0, video.currentTime + seconds), video.duration || 0); };
  const does = {
    " ": toggle,
    k: toggle,
    c: () => tell(toggleCaptions(video)),
    f: () => fullscreen(video),
    m: () => { video.muted = !video.muted; },
    escape: () => { if (!document.fullscreenElement) location.hash = "#/"; },
  };
  const moves = { arrowleft: -5, arrowright: 5, j: -10, l: 10 };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const key = event.key.toLowerCase();
    if (!(key in does) && !(key in moves)) return;
    if (key !== "escape" && video.hidden) return;
    event.preventDefault();
    if (key in moves) jump(moves[key]);
    else if (!event.repeat) does[key]();
  }, { signal });
}

function fullscreen(video) {
  if (document.fullscreenElement) document.exitFullscreen();
  else if (video.requestFullscreen) video.requestFullscreen().catch(() => {});
  else video.webkitEnterFullscreen?.(); // iPhone
}
