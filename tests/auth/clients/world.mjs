// What both programs share: the world as the tests describe it, and a person who clicks.

export const world = JSON.parse(process.argv[2]);

const KINDS = {
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  PS256: { name: "RSA-PSS", hash: "SHA-256" },
  Ed25519: { name: "Ed25519" },
};

export async function keyOf({ algorithm, kid, jwk }) {
  return { key: await crypto.subtle.importKey("jwk", jwk, KINDS[algorithm], false, ["sign"]), kid };
}

export async function click(url, person) {
  const answer = await fetch(url, { redirect: "manual", headers: { cookie: `person=${person}` } });
  if (answer.status !== 303) throw new Error(`the person got ${answer.status}`);
  return new URL(answer.headers.get("location"));
}

export const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
export const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
export const BACK = "https://console.example/back";

export function tell(told) {
  process.stdout.write(JSON.stringify(told));
}
