// oauth4webapi: low level, strict about every answer. It is what FAPI clients in JavaScript are made of.

import * as oauth from "oauth4webapi";
import { ACCESS_TOKEN, BACK, EXCHANGE, click, keyOf, tell, world } from "./world.mjs";

const loopback = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(world.issuer);
const told = {};

const as = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...loopback }),
);
told.discovered = as.issuer === world.issuer;

const resource = new URL(world.resource);
const described = await oauth.processResourceDiscoveryResponse(
  resource,
  await oauth.resourceDiscoveryRequest(resource, loopback),
);
told.servers = described.authorization_servers;

async function client(named) {
  const who = { client_id: named.id };
  return {
    who,
    prove: oauth.PrivateKeyJwt(await keyOf(named)),
    DPoP: oauth.DPoP(who, await oauth.generateKeyPair("ES256")),
  };
}

async function withNonce(call) {
  try {
    return await call();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    told.nonce = true;
    return call();
  }
}

async function machineToken({ who, prove, DPoP }, parameters) {
  return withNonce(async () =>
    oauth.processClientCredentialsResponse(
      as,
      who,
      await oauth.clientCredentialsGrantRequest(as, who, prove, new URLSearchParams(parameters), { DPoP, ...loopback }),
    ),
  );
}

async function read({ DPoP }, token) {
  const answer = await oauth.protectedResourceRequest(token, "GET", resource, new Headers(), null, { DPoP, ...loopback });
  return answer.json();
}

told.machines = {};
for (const named of world.machines) {
  const machine = await client(named);
  const granted = await machineToken(machine, { scope: "network:read" });
  told.machines[named.algorithm] = [granted.token_type, granted.scope, (await read(machine, granted.access_token)).sub === named.id];
}

const consoleOf = await client(world.console);
const { who, prove, DPoP } = consoleOf;
const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const pushed = await oauth.processPushedAuthorizationResponse(
  as,
  who,
  await oauth.pushedAuthorizationRequest(
    as,
    who,
    prove,
    new URLSearchParams({
      client_id: who.client_id,
      redirect_uri: BACK,
      response_type: "code",
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      scope: "network:read",
      state,
    }),
    { DPoP, ...loopback },
  ),
);
const start = new URL(as.authorization_endpoint);
start.searchParams.set("client_id", who.client_id);
start.searchParams.set("request_uri", pushed.request_uri);
const returned = oauth.validateAuthResponse(as, who, await click(start, world.person), state);
const granted = await oauth.processAuthorizationCodeResponse(
  as,
  who,
  await oauth.authorizationCodeGrantRequest(as, who, prove, returned, BACK, verifier, { DPoP, ...loopback }),
);
told.person = (await read(consoleOf, granted.access_token)).sub;
const refreshed = await oauth.processRefreshTokenResponse(
  as,
  who,
  await oauth.refreshTokenGrantRequest(as, who, prove, granted.refresh_token, { DPoP, ...loopback }),
);
told.refreshed = (await read(consoleOf, refreshed.access_token)).sub;

const gateway = await client(world.gateway);
const first = await client(world.machines[0]);
const sent = await machineToken(first, { resource: world.front });
const exchanged = await oauth.processGenericTokenEndpointResponse(
  as,
  gateway.who,
  await oauth.genericTokenEndpointRequest(
    as,
    gateway.who,
    gateway.prove,
    EXCHANGE,
    new URLSearchParams({ subject_token: sent.access_token, subject_token_type: ACCESS_TOKEN }),
    { DPoP: gateway.DPoP, ...loopback },
  ),
);
told.exchanged = [exchanged.issued_token_type, (await read(gateway, exchanged.access_token)).sub === world.machines[0].id];

async function active(token) {
  const answer = await oauth.introspectionRequest(as, gateway.who, gateway.prove, token, loopback);
  return (await oauth.processIntrospectionResponse(as, gateway.who, answer)).active;
}
told.active = await active(sent.access_token);
const { who: owner, prove: proves } = first;
await oauth.processRevocationResponse(await oauth.revocationRequest(as, owner, proves, sent.access_token, loopback));
told.revoked = await active(sent.access_token);
tell(told);
