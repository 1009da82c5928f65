// Compose a supergraph of one subgraph, read from a file; print the errors and the length of what came out.
import { readFile } from "node:fs/promises";
import { compositionHasErrors, composeServices } from "@theguild/federation-composition";
import { parse } from "graphql";

const typeDefs = parse(await readFile(process.argv[2], "utf8"));
const result = composeServices([{ name: "hub", url: "http://localhost/graphql", typeDefs }]);
const errors = compositionHasErrors(result) ? result.errors.map((each) => each.message) : [];
console.log(JSON.stringify({ errors, length: result.supergraphSdl?.length ?? 0 }));
