// Listens by graphql-ws until so many answers have come, asks a query by the same client, and prints both.

import { createClient } from "graphql-ws";
import WebSocket from "ws";

const { url, params, query, variables, most } = JSON.parse(process.argv[2]);
const client = createClient({ url, connectionParams: params, webSocketImpl: WebSocket, retryAttempts: 0 });
const answers = [];
let refused;
for await (const answer of client.iterate({ query, variables })) {
  answers.push(answer);
  // The first is heard: the socket is open, and serves another operation beside.
  refused ??= await new Promise((resolve) => {
    client.subscribe({ query: "{ __typename }" }, { next: () => {}, error: resolve, complete: () => resolve("answered") });
  });
  if (answers.length === most) break;
}
await client.dispose();
console.log(JSON.stringify({ answers, refused }));
