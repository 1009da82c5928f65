// Whose page this is. What one person saw must not stay on the screen for the next.

const root = document.getElementById("console")!;
const CHANNEL = "hub-console";

/** Where to sign in again and come back. */
export const SIGN_IN = root.dataset.signin!;
/** A mark of the session the page was made for; it tells nothing about the session. */
const MARK = root.dataset.mark!;
const IDLE_SECONDS = Number(root.dataset.idle);

let timer = 0;

/** Note that the hub was asked something: from here on the session lives its idle time. */
export function asked(): void {
  window.clearTimeout(timer);
  timer = window.setTimeout(leave, (IDLE_SECONDS + 5) * 1000);
}

/** Leave the page when its session is over or is somebody else's by now. */
export function leaveWhenNotOurs(): void {
  // A browser may show a page it kept: ask the hub whose it is.
  window.addEventListener("pageshow", (event) => event.persisted && leave());
  const others = new BroadcastChannel(CHANNEL);
  others.onmessage = ({ data }) => data !== MARK && leave();
  others.postMessage(MARK);
  asked();
}

function leave(): void {
  document.body.replaceChildren();
  window.location.reload();
}
