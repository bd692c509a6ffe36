// What changes on the server while a page is looked at: one stream of events, closed while nobody looks.

const AGAIN_MS = 30_000;

/**
 * Listen to what changes. `address` is asked for anew each time: it names what the page shows by then.
 * `heard` has a function for each kind of event, which gets its data.
 */
export function listen(address, heard) {
  let stream = null;
  let again = 0;

  function open() {
    clearTimeout(again);
    if (document.hidden || stream) return;
    stream = new EventSource(address());
    for (const [kind, tell] of Object.entries(heard)) {
      stream.addEventListener(kind, (event) => tell(JSON.parse(event.data)));
    }
    stream.addEventListener("error", () => {
      // The browser tries again by itself, unless it was refused.
      if (stream?.readyState !== EventSource.CLOSED) return;
      stream = null;
      again = setTimeout(open, AGAIN_MS);
    });
  }

  function close() {
    clearTimeout(again);
    stream?.close();
    stream = null;
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
}
