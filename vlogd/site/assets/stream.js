// Playing a stream: with hls.js, or by the browser itself where it can and hls.js cannot.

const NATIVE = "application/vnd.apple.mpegurl";
const RETRY_MS = 3000;
const MEDIA_TRIES = 3;
const AGAIN = "The stream cannot be read just now; trying again.";

let loading = null;

// hls.js puts itself on the window; it is large, so it is only fetched when something is to be played.
export function loadHls() {
  loading ??= import("./hls.min.js").then(() => globalThis.Hls, (error) => { loading = null; throw error; });
  return loading;
}

// Resolves when the stream is attached; `tell` gets a sentence when it cannot be read, and "" when it can again.
export async function attach(video, address, signal, tell) {
  const Hls = await loadHls();
  signal.throwIfAborted();
  if (Hls.isSupported()) attachHls(Hls, video, address, signal, tell);
  else if (video.canPlayType(NATIVE)) attachNative(video, address, signal, tell);
  else tell("This browser cannot play HLS streams.");
}

function attachHls(Hls, video, address, signal, tell) {
  // A stream that still grows must begin at its beginning, not at its end.
  const hls = new Hls({ startPosition: 0, backBufferLength: 60, xhrSetup: openPastCache });
  let known = false, tries = 0, timer = 0;
  const again = () => (known ? hls.startLoad(video.currentTime) : hls.loadSource(address));
  hls.on(Hls.Events.MANIFEST_PARSED, () => { known = true; });
  hls.on(Hls.Events.FRAG_BUFFERED, () => { tries = 0; tell(""); });
  hls.on(Hls.Events.ERROR, (_event, data) => {
    if (!data.fatal) return;
    if (data.type === Hls.ErrorTypes.MEDIA_ERROR) {
      tries += 1;
      if (tries <= MEDIA_TRIES) hls.recoverMediaError();
      else tell(`This browser cannot play this stream (${data.details}).`);
    } else {
      tell(AGAIN);
      clearTimeout(timer);
      timer = setTimeout(again, RETRY_MS);
    }
  });
  signal.addEventListener("abort", () => { clearTimeout(timer); hls.destroy(); });
  hls.loadSource(address);
  hls.attachMedia(video);
}

// Playlists may be replaced twice in a second, which is as finely as servers tell versions apart.
function openPastCache(xhr, address) {
  xhr.open("GET", address, true);
  if (new URL(address, location.href).pathname.endsWith(".m3u8")) xhr.setRequestHeader("Cache-Control", "no-cache");
}

function attachNative(video, address, signal, tell) {
  video.addEventListener("loadedmetadata", () => { video.currentTime = 0; }, { once: true, signal });
  video.addEventListener("error", () => tell("The stream cannot be played."), { signal });
  signal.addEventListener("abort", () => { video.removeAttribute("src"); video.load(); });
  video.src = address;
}
