// Passkeys: asks the browser for what the hub asks of it, and hands back what was signed. Nothing is kept.

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const known = (list) => (list ?? []).map((each) => ({ ...each, id: bytes(each.id) }));

const CEREMONIES = {
  get: {
    ask: (o) =>
      navigator.credentials.get({
        publicKey: { ...o, challenge: bytes(o.challenge), allowCredentials: known(o.allowCredentials) },
      }),
    tell: (r) => ({
      authenticatorData: text(r.authenticatorData),
      signature: text(r.signature),
      userHandle: r.userHandle ? text(r.userHandle) : null,
    }),
  },
  create: {
    ask: (o) =>
      navigator.credentials.create({
        publicKey: {
          ...o,
          challenge: bytes(o.challenge),
          user: { ...o.user, id: bytes(o.user.id) },
          excludeCredentials: known(o.excludeCredentials),
        },
      }),
    tell: (r) => ({ attestationObject: text(r.attestationObject), transports: r.getTransports?.() ?? [] }),
  },
};

const SENTENCES = {
  NotAllowedError: "The passkey was not used: the request was cancelled or took too long. You can try again.",
  InvalidStateError: "This passkey is enrolled already. Use another device or key.",
  SecurityError: "Passkeys do not work under this address. Open the hub under the address you were given.",
};
const UNKNOWN = "The passkey could not be used. Try again, or use another way.";

class Told extends Error {}

const post = async (address, csrf, body) => {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
    body: JSON.stringify(body),
    credentials: "same-origin",
    redirect: "error",
  });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    if (told.next) location.assign(told.next);
    throw new Told(told.error ?? UNKNOWN);
  }
  return told;
};

const perform = async (place) => {
  const { passkey, options, answer, csrf, next } = place.dataset;
  const { ask, tell } = CEREMONIES[passkey];
  const credential = await ask(await post(options, csrf, {}));
  const { id, rawId, type, response } = credential;
  const told = await post(answer, csrf, {
    id,
    rawId: text(rawId),
    type,
    response: { clientDataJSON: text(response.clientDataJSON), ...tell(response) },
    label: place.querySelector("input")?.value ?? "",
    next,
  });
  location.assign(told.next);
};

const ready = (place) => {
  const button = place.querySelector("button");
  const error = place.querySelector("[data-error]");
  button.addEventListener("click", async () => {
    button.disabled = true;
    error.hidden = true;
    error.textContent = "";
    try {
      await perform(place);
    } catch (problem) {
      error.hidden = false;
      error.textContent = problem instanceof Told ? problem.message : (SENTENCES[problem.name] ?? UNKNOWN);
      button.disabled = false;
      button.focus();
    }
  });
  place.querySelector("input")?.addEventListener("keydown", (event) => {
    if (event.key === "Enter") button.click();
  });
  for (const each of place.querySelectorAll("button, [data-with]")) each.hidden = false;
  place.querySelector("[data-without]").hidden = true;
};

for (const place of document.querySelectorAll("[data-passkey]")) {
  if (window.PublicKeyCredential) ready(place);
  else place.querySelector("[data-without]").textContent = "This browser has no passkeys. Use one of the other ways.";
}

// Who signs out in one tab has left the console in all others: their pages empty themselves.
if (new URLSearchParams(location.search).get("notice") === "left") new BroadcastChannel("hub-console").postMessage("left");
