// An OpenID provider as its makers ship it, for programs with keys of their own; what its tokens say comes from the test.

import { Provider } from "oidc-provider";

const { issuer, port, jwks, algorithm, clients, claims, scopes, sites = [] } = JSON.parse(process.argv[2]);

const provider = new Provider(issuer, {
  jwks,
  clients: [
    ...clients.map(({ id, jwks }) => ({
      client_id: id,
      jwks,
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: "ES256",
    })),
    ...sites.map(({ id, jwks, back }) => ({
      client_id: id,
      jwks,
      grant_types: ["authorization_code"],
      redirect_uris: [back],
      response_types: ["code"],
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: "ES256",
    })),
  ],
  clientAuthMethods: ["private_key_jwt"],
  clientDefaults: { id_token_signed_response_alg: algorithm },
  routes: { token: "/oauth/token", jwks: "/keys" },
  enabledJWA: { idTokenSigningAlgValues: ["RS256", "PS256", "ES256"] },
  extraTokenClaims: (_, token) => claims[token.clientId],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: sites.length > 0 },
    dPoP: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => ({
        audience: resource,
        scope: scopes.join(" "),
        accessTokenFormat: "jwt",
        accessTokenTTL: 300,
        jwt: { sign: { alg: algorithm } },
      }),
    },
  },
});

provider.listen(port, "127.0.0.1", () => console.log("ready"));
