// The list: one link per video, newest first, updated in place.

import { clock, day, make, say } from "./dom.js";
import { fetched, folder, isMoving, percent, poll, told } from "./library.js";

const UNREADABLE = "The list of videos cannot be read just now. Is vlogd running, and is its library there? This page keeps looking.";
const EMPTY = "No videos yet. Drop a file into the inbox folder; it appears here by itself.";

function hue(text) {
  let sum = 0;
  for (const letter of text) sum = (sum * 31 + letter.codePointAt(0)) % 360;
  return sum;
}

// What is under the title of a video that is ready.
function about(video) {
  const size = video.width && video.height ? `${Math.min(video.width, video.height)}p` : "";
  return [video.audio_only ? "Sound" : size, day(video.added_at)].filter(Boolean).join(" · ");
}

function newCard(slug) {
  const title = make("h2"), line = make("p"), bar = make("progress", { max: 100, hidden: true });
  const glyph = make("span", { className: "glyph" });
  const image = make("img", { alt: "", loading: "lazy", hidden: true });
  const length = make("span", { className: "badge", hidden: true });
  image.addEventListener("load", () => { image.hidden = false; });
  image.addEventListener("error", () => { image.hidden = true; });
  bar.setAttribute("aria-hidden", "true"); // the line says it
  glyph.setAttribute("aria-hidden", "true");
  const poster = make("div", { className: "poster" }, glyph, image, length);
  poster.style.setProperty("--hue", hue(slug));
  const link = make("a", { className: "card", href: `#/v/${encodeURIComponent(slug)}` }, title, line, bar, poster);
  let source = "";
  const update = (video) => {
    link.dataset.status = video.status;
    say(title, video.title);
    say(line, told(video) || about(video));
    say(glyph, video.status === "failed" ? "!" : video.audio_only ? "♫" : "▶");
    bar.hidden = !isMoving(video) || video.status === "queued";
    bar.value = percent(video);
    length.hidden = !video.duration_seconds;
    say(length, video.duration_seconds ? clock(video.duration_seconds) : "");
    const wanted = video.poster ? folder(slug) + encodeURIComponent(video.poster) : "";
    if (wanted && wanted !== source) image.src = wanted;
    source = wanted;
  };
  return { node: make("li", {}, link), link, update };
}

function summary(videos) {
  const moving = videos.filter(isMoving).length;
  const count = `${videos.length} ${videos.length === 1 ? "video" : "videos"}`;
  return moving ? `${count}, ${moving} being made` : videos.length ? count : "";
}

export function showList(main, state, watched) {
  document.title = "Videos";
  say(state, "");
  const grid = make("ul", { className: "grid" }), empty = make("p", { className: "empty", hidden: true });
  main.replaceChildren(make("h1", { className: "unseen" }, "Videos"), grid, empty);
  const cards = new Map();
  let last = watched;

  const show = (videos) => {
    const wanted = videos.map((video) => {
      if (!cards.has(video.slug)) cards.set(video.slug, newCard(video.slug));
      const card = cards.get(video.slug);
      card.update(video);
      return card.node;
    });
    const slugs = new Set(videos.map((video) => video.slug));
    for (const slug of cards.keys()) if (!slugs.has(slug)) cards.delete(slug);
    if (wanted.length === grid.children.length && wanted.every((node, at) => node === grid.children[at])) return;
    const focused = [...cards.values()].find((card) => card.link === document.activeElement);
    grid.replaceChildren(...wanted);
    focused?.link.focus();
  };

  const update = async (signal) => {
    let videos;
    try {
      ({ videos } = await fetched("catalog.json", signal));
    } catch {
      signal.throwIfAborted();
      empty.hidden = false;
      say(empty, UNREADABLE);
      return true;
    }
    empty.hidden = videos.length > 0;
    say(empty, EMPTY);
    say(state, summary(videos));
    show(videos);
    if (last !== null) cards.get(last)?.link.focus(); // back where the viewer left
    last = null;
    return videos.some(isMoving);
  };
  return poll(update);
}
