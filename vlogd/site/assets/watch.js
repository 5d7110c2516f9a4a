// One video: the player, and what is known about it. Also for videos that are still being made.

import { addCaptions } from "./captions.js";
import { clock, day, make, say } from "./dom.js";
import { KEYS, listenToKeys } from "./keys.js";
import { fetched, folder, isMoving, percent, poll, told } from "./library.js";
import { attach, loadHls } from "./stream.js";

const STAGES = { probe: "Look at the file", hls: "Stream", poster: "Poster", captions: "Captions", meta: "Details" };
const STATES = { waiting: "waiting", queued: "waiting", resting: "will be tried again", failed: "failed", ready: "ready" };

export function showVideo(main, state, slug) {
  const base = folder(slug);
  const page = newPage();
  let attached = false;
  document.title = "Video";
  say(state, "");
  main.replaceChildren(page.article);
  loadHls().catch(() => {}); // `attach` tells when it fails

  const begin = (about, signal) => {
    attached = true;
    page.video.hidden = false;
    attach(page.video, base + encodeURI(about.stream), signal, page.complain).catch((error) => {
      attached = false;
      if (!signal.aborted) page.complain(`The player could not be loaded (${error.message}).`);
    });
    page.video.play().catch(() => {}); // a browser may want a click first
  };

  let listening = false;
  const update = async (signal) => {
    if (!listening) listenToKeys(page.video, signal, (text) => say(state, text));
    listening = true;
    let about;
    try {
      about = await fetched(`${base}video.json`, signal);
    } catch {
      signal.throwIfAborted();
      if (!attached) page.wait("This video is not here. It may have been removed, or the library cannot be read just now.");
      return true;
    }
    page.show(about, base);
    if (about.playable && about.stream && !attached) begin(about, signal);
    addCaptions(page.video, about.captions ?? [], base);
    return isMoving(about) || unfinished(about).some(([, stage]) => stage.status !== "failed");
  };
  const halt = poll(update);
  return () => { page.video.pause(); halt(); page.video.remove(); };
}

const unfinished = (about) => Object.entries(about.stages ?? {}).filter(([, stage]) => stage.status !== "ready");

function newPage() {
  const video = make("video", { controls: true, playsInline: true, autoplay: true, preload: "auto", hidden: true });
  const words = make("p"), waitBar = make("progress", { max: 100, hidden: true });
  const waiting = make("div", { className: "waiting" }, words, waitBar);
  const stage = make("div", { className: "stage" }, video, waiting);
  const title = make("h1"), facts = make("dl", { className: "facts" }), notes = make("div"), steps = make("ul", { className: "steps" });
  const trouble = make("p", { className: "note bad", hidden: true });
  const keys = make("p", { className: "keys" }, ...KEYS.map(([key, text]) => make("span", {}, make("kbd", {}, key), ` ${text}`)));
  const article = make("article", { className: "watch" }, stage, trouble, title, facts, notes, steps, keys);
  trouble.setAttribute("role", "alert");
  steps.setAttribute("aria-label", "What is still being made");
  waitBar.setAttribute("aria-label", "Progress");

  const wait = (text) => { waiting.hidden = false; say(words, text); };
  const complain = (text) => { trouble.hidden = !text; say(trouble, text); };
  const show = (about, base) => {
    document.title = about.title;
    say(title, about.title);
    video.setAttribute("aria-label", about.title);
    article.classList.toggle("sound", Boolean(about.audio_only));
    if (about.width && about.height) article.style.setProperty("--ratio", about.width / about.height);
    if (about.poster && !video.poster && !about.audio_only) video.poster = base + encodeURIComponent(about.poster);
    showState(about, { stage, waiting, words, waitBar });
    showFacts(facts, about, base);
    showNotes(notes, about);
    showSteps(steps, about);
  };
  return { article, video, show, wait, complain };
}

// Until there is something to play, the stage says why not.
function showState(about, { stage, waiting, words, waitBar }) {
  waiting.hidden = Boolean(about.playable && about.stream);
  stage.classList.toggle("bad", about.status === "failed");
  say(words, told(about) || "There is nothing to play.");
  waitBar.hidden = !isMoving(about) || about.status === "queued";
  waitBar.value = percent(about);
}

function showFacts(list, about, base) {
  const rows = [
    ["Length", about.duration_seconds ? clock(about.duration_seconds) : ""],
    ["Picture", about.audio_only ? "none, sound only" : about.width && about.height ? `${about.width} × ${about.height}` : ""],
    ["Qualities", (about.renditions ?? []).map((one) => `${Math.min(one.width, one.height)}p`).join(", ")],
    ["Captions", (about.captions ?? []).map((one) => one.label || one.language).join(", ") || about.captions_note || ""],
    ["Added", day(about.added_at)],
    ["Stream", about.playable && about.stream ? make("a", { href: base + encodeURI(about.stream) }, about.stream) : ""],
  ].filter(([, value]) => value);
  const key = JSON.stringify(rows.map(([name, value]) => [name, value.href ?? value]));
  if (list.dataset.shown === key) return; // a focused link stays focused
  list.dataset.shown = key;
  list.replaceChildren(...rows.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}

function showNotes(box, about) {
  const texts = [...(about.playable && told(about) ? [told(about)] : []), ...(about.notes ?? [])];
  const bad = about.status === "failed";
  const key = JSON.stringify([bad, texts]);
  if (box.dataset.shown === key) return;
  box.dataset.shown = key;
  box.replaceChildren(...texts.map((text, at) => make("p", { className: bad && at === 0 ? "note bad" : "note" }, text)));
}

function showSteps(list, about) {
  const rows = unfinished(about);
  list.hidden = !rows.length;
  if (rows.length !== list.children.length) list.replaceChildren(...rows.map(() => make("li", {}, make("span"), make("span"))));
  rows.forEach(([name, stage], at) => {
    const [label, value] = list.children[at].children;
    say(label, STAGES[name] ?? name);
    say(value, STATES[stage.status] ?? `${percent(stage)} %`);
  });
}
