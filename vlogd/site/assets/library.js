// Reading the library, and telling in words how far a video is.

const SOON_MS = 2000;
const LATE_MS = 30000;

export const folder = (slug) => `videos/${encodeURIComponent(slug)}/`;

export const isMoving = (video) => ["queued", "downloading", "processing"].includes(video.status);

export const percent = (video) => Math.floor(video.progress ?? 0);

// A failed video's sentence, or how far the others are; nothing for one that is ready.
export function told(video) {
  switch (video.status) {
    case "ready": return "";
    case "failed": return video.error || "This video could not be made.";
    case "queued": return "Waiting for its turn";
    case "downloading": return `Arriving · ${percent(video)} %`;
    default: return video.playable ? `Watch it already · ${percent(video)} % made` : `Being made · ${percent(video)} %`;
  }
}

// Past the cache: servers tell versions apart by the second, and a file may be replaced twice in one.
export async function fetched(address, signal) {
  const answer = await fetch(address, { cache: "no-store", signal });
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  const data = await answer.json();
  signal.throwIfAborted();
  return data;
}

// Calls `step(signal)` again and again, one at a time; it says whether things are moving. A hidden page
// rests. Whoever leaves aborts: a late answer then changes nothing.
export function poll(step) {
  const gone = new AbortController();
  const { signal } = gone;
  let timer = 0, busy = false;
  const again = async () => {
    clearTimeout(timer);
    if (busy || document.hidden) return;
    busy = true;
    const moving = await step(signal).catch((error) => {
      if (!signal.aborted) console.error(error);
      return true;
    });
    busy = false;
    if (!signal.aborted) timer = setTimeout(again, moving ? SOON_MS : LATE_MS);
  };
  document.addEventListener("visibilitychange", again, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
  again();
  return () => gone.abort();
}
