// Captions as <track>s. They may arrive while the video plays; the first one shows by itself.

let wanted = true; // the viewer's choice, for all videos until the page is closed

const own = (video) => [...video.querySelectorAll("track")].map((node) => node.track);

export function addCaptions(video, captions, base) {
  for (const { src, language, label } of captions) {
    if ([...video.querySelectorAll("track")].some((node) => node.dataset.src === src)) continue;
    const first = own(video).length === 0;
    const node = make(base + encodeURI(src), language, label);
    node.dataset.src = src;
    video.append(node);
    node.track.mode = first && wanted ? "showing" : "disabled";
  }
}

function make(src, language, label) {
  const node = document.createElement("track");
  return Object.assign(node, { kind: "captions", src, srclang: language || "und", label: label || language || "Captions" });
}

// Off, or on with the first track; says what is so now.
export function toggleCaptions(video) {
  const tracks = own(video);
  wanted = !tracks.some((track) => track.mode === "showing");
  tracks.forEach((track, at) => { track.mode = wanted && at === 0 ? "showing" : "disabled"; });
  if (!tracks.length) return "No captions yet";
  return wanted ? "Captions on" : "Captions off";
}
