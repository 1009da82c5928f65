// Listens by graphql-sse until so many answers have come, or the stream ends, and prints them.

import { createClient } from "graphql-sse";

const { url, headers, query, variables, most } = JSON.parse(process.argv[2]);
const client = createClient({ url, headers, retryAttempts: 0 });
const answers = [];
for await (const answer of client.iterate({ query, variables })) {
  answers.push(answer);
  if (answers.length === most) break;
}
client.dispose();
console.log(JSON.stringify(answers));
