// The page: a list of videos and a player. Data comes from catalog.json and video.json, which vlogd
// replaces whole. Titles come from file names, so they are only ever set as text.

const { Hls } = window;
const SOON_MS = 2000;
const LATE_MS = 30000;
const main = document.getElementById("main");
const state = document.getElementById("state");
let leave = () => {};

const make = (tag, properties = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children.filter((child) => child !== null && child !== ""));
  return node;
};

const clock = (seconds) => {
  if (seconds === null || seconds === undefined) return "";
  const s = Math.round(seconds), pad = (n) => String(n).padStart(2, "0");
  const h = Math.floor(s / 3600), m = Math.floor((s % 3600) / 60);
  return h ? `${h}:${pad(m)}:${pad(s % 60)}` : `${m}:${pad(s % 60)}`;
};

const told = (video) => {
  if (video.status === "ready") return "";
  if (video.status === "failed") return video.error || "This video could not be made.";
  if (video.status === "queued") return "Waiting";
  return `${video.playable ? "Watchable, still being made" : "Being made"}: ${video.progress} %`;
};

const folder = (slug) => `videos/${encodeURIComponent(slug)}/`;

async function fetched(address) {
  const answer = await fetch(address, { cache: "no-cache" });
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.json();
}

// Calls `step` again and again; it says whether things are moving. Hidden pages are not refreshed.
function poll(step) {
  let timer = 0, ended = false;
  const again = async () => {
    const moving = document.hidden ? false : await step().catch(() => false);
    if (!ended) timer = setTimeout(again, moving ? SOON_MS : LATE_MS);
  };
  const wake = () => { if (!document.hidden) { clearTimeout(timer); again(); } };
  document.addEventListener("visibilitychange", wake);
  again();
  return () => { ended = true; clearTimeout(timer); document.removeEventListener("visibilitychange", wake); };
}

function card(video) {
  const node = make("li");
  const link = make("a", { className: "card", href: `#/v/${encodeURIComponent(video.slug)}` });
  const poster = make("div", { className: "poster" }, video.audio_only ? "♫" : "▶");
  if (video.poster) {
    poster.append(make("img", { src: folder(video.slug) + video.poster, alt: "", loading: "lazy", onerror() { this.remove(); } }));
  }
  if (video.duration_seconds) poster.append(make("span", { className: "badge" }, clock(video.duration_seconds)));
  link.append(poster, make("h2", {}, video.title));
  const text = told(video);
  if (text) link.append(make("p", { className: video.status === "failed" ? "bad" : "" }, text));
  if (video.status === "processing") {
    link.append(make("progress", { max: 100, value: video.progress, ariaLabel: `${video.title}: progress` }));
  }
  node.append(link);
  return node;
}

function showList() {
  document.title = "Videos";
  const grid = make("ul", { className: "grid" });
  const empty = make("p", { className: "empty" });
  main.replaceChildren(grid, empty);
  const shown = new Map();
  const update = async () => {
    let videos;
    try {
      ({ videos } = await fetched("catalog.json"));
    } catch {
      empty.textContent = "The list of videos cannot be read just now. Is vlogd running, and is the library mounted?";
      return true;
    }
    empty.textContent = videos.length ? "" : "No videos yet. Drop a file into the inbox folder; it appears here by itself.";
    const moving = videos.filter((video) => video.status === "processing" || video.status === "queued").length;
    state.textContent = moving ? `${moving} being made` : videos.length ? `${videos.length} ${videos.length === 1 ? "video" : "videos"}` : "";
    const wanted = videos.map((video) => {
      const key = JSON.stringify(video), old = shown.get(video.slug);
      if (old && old.key === key) return old.node;
      const node = card(video);
      if (old && old.node.contains(document.activeElement)) setTimeout(() => node.firstChild.focus());
      shown.set(video.slug, { key, node });
      return node;
    });
    if (wanted.length !== grid.children.length || wanted.some((node, at) => node !== grid.children[at])) grid.replaceChildren(...wanted);
    return moving > 0;
  };
  return poll(update);
}

function play(video, address) {
  // A stream that still grows must begin at its beginning, not at its end.
  if (Hls?.isSupported()) {
    // Captions come from video.json, words and all, so hls.js need not show those of the stream too.
    const texts = { enableWebVTT: false, enableIMSC1: false, enableCEA708Captions: false };
    const hls = new Hls({ startPosition: 0, backBufferLength: 60, ...texts });
    hls.on(Hls.Events.ERROR, (_event, data) => {
      if (data.fatal && data.type === Hls.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
      else if (data.fatal) setTimeout(() => hls.startLoad(), SOON_MS);
    });
    hls.loadSource(address);
    hls.attachMedia(video);
    return () => hls.destroy();
  }
  video.src = address;
  return () => { video.removeAttribute("src"); video.load(); };
}

function addCaptions(video, tracks, base) {
  if (!Hls?.isSupported()) return;  // a browser that plays HLS by itself shows the stream's own
  for (const [at, one] of tracks.entries()) {
    if ([...video.querySelectorAll("track")].some((node) => node.dataset.src === one.src)) continue;
    const track = make("track", { kind: "captions", src: base + one.src, srclang: one.language || "und", label: one.label || one.language || "Captions", default: at === 0 });
    track.dataset.src = one.src;
    video.append(track);
    track.track.mode = at === 0 ? "showing" : "hidden";
  }
}

function onKey(video, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const jump = (seconds) => { video.currentTime = Math.min(Math.max(0, video.currentTime + seconds), video.duration || Infinity); };
  const does = {
    " ": () => (video.paused ? video.play() : video.pause()), k: () => (video.paused ? video.play() : video.pause()),
    ArrowLeft: () => jump(-5), ArrowRight: () => jump(5), j: () => jump(-10), l: () => jump(10),
    c: () => { const t = video.textTracks[0]; if (t) t.mode = t.mode === "showing" ? "hidden" : "showing"; },
    f: () => (document.fullscreenElement ? document.exitFullscreen() : video.requestFullscreen()),
    m: () => { video.muted = !video.muted; },
    Escape: () => { if (!document.fullscreenElement) location.hash = "#/"; },
  }[event.key];
  if (!does) return;
  event.preventDefault();
  does();
}

function facts(about) {
  const best = about.renditions[0];
  const added = new Date(about.added_at).toLocaleDateString(undefined, { dateStyle: "medium" });
  return [clock(about.duration_seconds), best ? `${best.width} × ${best.height}` : about.audio_only ? "sound" : "", `added ${added}`].filter(Boolean).join(" · ");
}

function showVideo(slug) {
  const base = folder(slug);
  state.textContent = "";
  const video = make("video", { controls: true, playsInline: true, autoplay: true, preload: "auto" });
  const stage = make("div", { className: "stage", hidden: true }, video);
  const title = make("h1"), line = make("p", { className: "facts" }), notes = make("div");
  const keys = make("p", { className: "keys" });
  for (const [key, text] of [["space", "play"], ["← →", "5 s"], ["c", "captions"], ["f", "full screen"], ["m", "mute"], ["Esc", "list"]]) {
    keys.append(make("kbd", {}, key), ` ${text}  `);
  }
  main.replaceChildren(make("article", { className: "watch" }, stage, title, line, notes, keys));
  main.focus();
  let stop = null;
  const update = async () => {
    let about;
    try {
      about = await fetched(`${base}video.json`);
    } catch {
      if (!stop) title.textContent = "This video is not there.";
      return true;
    }
    document.title = about.title;
    title.textContent = about.title;
    line.textContent = facts(about);
    const text = told(about);
    notes.replaceChildren(
      ...(text ? [make("p", { className: `note ${about.status === "failed" ? "bad" : ""}` }, text)] : []),
      ...about.notes.map((note) => make("p", { className: "note" }, note)),
    );
    stage.classList.toggle("sound", about.audio_only);
    if (about.poster && !video.poster) video.poster = base + about.poster;
    if (about.playable && about.stream && !stop) {
      stage.hidden = false;
      stop = play(video, base + about.stream);
      video.play().catch(() => {});
    }
    addCaptions(video, about.captions, base);
    return about.status !== "ready" && about.status !== "failed" || about.captions.length === 0 && about.stages.captions?.status === "running";
  };
  const key = (event) => onKey(video, event);
  document.addEventListener("keydown", key);
  const halt = poll(update);
  return () => { halt(); document.removeEventListener("keydown", key); stop?.(); video.remove(); };
}

function route() {
  leave();
  const found = location.hash.match(/^#\/v\/(.+)$/);
  leave = found ? showVideo(decodeURIComponent(found[1])) : showList();
}

addEventListener("hashchange", route);
route();
