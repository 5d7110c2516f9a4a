// The page: a list of videos, and a player at #/v/<slug>. Data comes from catalog.json and video.json,
// which vlogd replaces whole. All addresses are relative, so any path prefix works.

import { showList } from "./list.js";
import { showVideo } from "./watch.js";

const main = document.getElementById("main");
const state = document.getElementById("state");
let leave = null;
let watched = null;

function slugOf(hash) {
  const found = hash.match(/^#\/v\/([^/]+)$/);
  try {
    return found && decodeURIComponent(found[1]);
  } catch {
    return null; // not an address that this page made
  }
}

function route() {
  const first = leave === null;
  leave?.();
  scrollTo(0, 0);
  const slug = slugOf(location.hash);
  document.body.classList.toggle("watching", slug !== null);
  leave = slug === null ? showList(main, state, watched) : showVideo(main, state, slug);
  if (!first) main.focus({ preventScroll: true });
  watched = slug;
}

addEventListener("hashchange", route);
route();
