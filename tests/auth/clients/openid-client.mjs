// openid-client: what most sites use. It handles nonces and pushed requests by itself.

import * as client from "openid-client";
import { ACCESS_TOKEN, BACK, EXCHANGE, click, keyOf, tell, world } from "./world.mjs";

const told = {};

async function configured(named) {
  const config = await client.discovery(
    new URL(world.issuer),
    named.id,
    undefined,
    client.PrivateKeyJwt(await keyOf(named)),
    { algorithm: "oauth2", execute: [client.allowInsecureRequests] },
  );
  return { config, DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256")) };
}

async function read({ config, DPoP }, token) {
  const answer = await client.fetchProtectedResource(
    config, token, new URL(world.resource), "GET", undefined, undefined, { DPoP },
  );
  return answer.json();
}

told.machines = {};
for (const named of world.machines) {
  const machine = await configured(named);
  const granted = await client.clientCredentialsGrant(machine.config, { scope: "network:read" }, { DPoP: machine.DPoP });
  told.machines[named.algorithm] = [
    granted.token_type, granted.scope, (await read(machine, granted.access_token)).sub === named.id,
  ];
}

const site = await configured(world.console);
const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const start = await client.buildAuthorizationUrlWithPAR(
  site.config,
  {
    redirect_uri: BACK,
    scope: "network:read",
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
  },
  { DPoP: site.DPoP },
);
const granted = await client.authorizationCodeGrant(
  site.config,
  await click(start, world.person),
  { pkceCodeVerifier: verifier, expectedState: state },
  undefined,
  { DPoP: site.DPoP },
);
told.person = (await read(site, granted.access_token)).sub;
const refreshed = await client.refreshTokenGrant(site.config, granted.refresh_token, undefined, { DPoP: site.DPoP });
told.refreshed = (await read(site, refreshed.access_token)).sub;

const gateway = await configured(world.gateway);
const first = await configured(world.machines[0]);
const sent = await client.clientCredentialsGrant(first.config, { resource: world.front }, { DPoP: first.DPoP });
const exchanged = await client.genericGrantRequest(
  gateway.config,
  EXCHANGE,
  { subject_token: sent.access_token, subject_token_type: ACCESS_TOKEN },
  { DPoP: gateway.DPoP },
);
told.exchanged = [exchanged.issued_token_type, (await read(gateway, exchanged.access_token)).sub === world.machines[0].id];

told.active = (await client.tokenIntrospection(gateway.config, sent.access_token)).active;
await client.tokenRevocation(first.config, sent.access_token);
told.revoked = (await client.tokenIntrospection(gateway.config, sent.access_token)).active;
tell(told);
