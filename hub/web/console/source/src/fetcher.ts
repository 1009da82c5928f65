// How the console asks the hub: POST with JSON and the console's own header, so that the session counts. Subscriptions come
// as server-sent events at the same address (GraphQL over SSE, distinct connections mode). No token is ever in the browser.

import type { Fetcher, FetcherParams } from "@graphiql/toolkit";
import { getOperationAST, GraphQLError, Kind, parse, type ExecutionResult } from "graphql";
import { createClient } from "graphql-sse";
import type { Blanks, Turn } from "./blanks";
import { asked } from "./visit";

const GRAPH = "/graphql";
const CONSOLE = { "x-hub-console": "1" };
const ENDED = 401;
const RETRIES = 3;
/** What is asked by the console itself, whatever tab is looked at. */
const OWN = ["IntrospectionQuery", "Purposes"];

export interface Asking {
  /** The purpose to declare; none when empty. */
  purpose: () => string;
  /** Called when the hub knows no session any more. */
  onEnded: () => void;
  /** Fills in what ready tabs leave open. */
  blanks: Blanks;
}

/** Make the function by which GraphiQL asks. */
export function hubFetcher({ purpose, onEnded, blanks }: Asking): Fetcher {
  const headersFor = (own?: Record<string, unknown>): Record<string, string> => {
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(own ?? {})) headers[name.toLowerCase()] = String(value);
    if (purpose()) headers["purpose-of-use"] ??= purpose();
    return { ...headers, ...CONSOLE };
  };

  const send = async (url: string, init: RequestInit): Promise<Response> => {
    asked();
    let answer: Response;
    try {
      answer = await fetch(url, { ...init, cache: "no-store", credentials: "same-origin", redirect: "error" });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw told("The hub cannot be reached. Look at the network, then try again.");
    }
    if (answer.status === ENDED) onEnded();
    return answer;
  };

  const ask = async (params: FetcherParams, headers: Record<string, string>, turn: Turn | null): Promise<ExecutionResult> => {
    const answer = await send(GRAPH, {
      method: "POST",
      headers: { ...headers, accept: "application/graphql-response+json, application/json;q=0.9", "content-type": "application/json" },
      body: JSON.stringify(params),
    });
    const result = await read(answer);
    if (turn) blanks.answered(turn, params.query, result);
    return result;
  };

  const listen = (params: FetcherParams, headers: Record<string, string>): AsyncIterable<ExecutionResult> => {
    const client = createClient({
      url: GRAPH,
      headers,
      retryAttempts: RETRIES,
      fetchFn: async (url: string, init: RequestInit) => {
        const answer = await send(url, init);
        if (answer.ok && answer.headers.get("content-type")?.startsWith("text/event-stream")) return answer;
        // What the hub refuses it says in JSON; trying again would not help.
        return events([["next", await read(answer)], ["complete", null]]);
      },
    });
    return plainly(client.iterate({ query: params.query, variables: params.variables ?? {}, operationName: params.operationName ?? undefined }));
  };

  return (params, options) => {
    const headers = headersFor(options?.headers as Record<string, unknown> | undefined);
    const operationName = nameIn(params);
    if (operationName && OWN.includes(operationName)) return ask({ ...params, operationName }, headers, null);
    const turn = blanks.begin(operationName, params.query);
    const missing = blanks.missing(params.query);
    if (missing) return Promise.resolve({ errors: [new GraphQLError(missing)] });
    const named = { ...params, query: blanks.ready(params.query), operationName };
    return subscribes(named) ? listen(named, headers) : ask(named, headers, turn);
  };
}

/** The purposes the account may declare, as the header wants them; none when the hub knows none. */
export async function purposes(fetcher: Fetcher): Promise<string[]> {
  const answer = (await fetcher({ query: "query Purposes { viewer { purposes } }", operationName: "Purposes" }, {})) as ExecutionResult;
  const viewer = answer.data?.viewer as { purposes?: string[] } | null | undefined;
  return (viewer?.purposes ?? []).map((name) => name.toLowerCase());
}

/** The operation to run. Just after a change of tabs GraphiQL still names that of the tab before, which the hub would refuse. */
function nameIn({ query, operationName }: FetcherParams): string | undefined {
  try {
    const names = parse(query).definitions.flatMap((each) => (each.kind === Kind.OPERATION_DEFINITION ? [each.name?.value] : []));
    if (operationName && names.includes(operationName)) return operationName;
    return names.length === 1 ? names[0] : undefined;
  } catch {
    return undefined; // the hub tells what is wrong with it
  }
}

function subscribes({ query, operationName }: FetcherParams): boolean {
  try {
    return getOperationAST(parse(query), operationName)?.operation === "subscription";
  } catch {
    return false;
  }
}

async function read(answer: Response): Promise<ExecutionResult> {
  const text = await answer.text();
  try {
    return JSON.parse(text) as ExecutionResult;
  } catch {
    throw told(`The hub gave no answer that can be read (${answer.status} ${answer.statusText}). Try again in a moment.`);
  }
}

/** Pass events on; where they break off, say so in words alone. */
function plainly(all: AsyncIterableIterator<ExecutionResult>): AsyncIterableIterator<ExecutionResult> {
  const next = (): Promise<IteratorResult<ExecutionResult>> =>
    all.next().catch((error: unknown) => {
      throw told(error instanceof Error ? error.message : String(error));
    });
  const passed: AsyncIterableIterator<ExecutionResult> = { next, return: () => all.return!(), [Symbol.asyncIterator]: () => passed };
  return passed;
}

/** Make an error that is shown by its words alone; GraphiQL would show where in the console it arose. */
function told(words: string): Error {
  const error = new Error(words);
  error.stack = undefined;
  return error;
}

function events(all: [string, unknown][]): Response {
  const text = all.map(([event, data]) => `event: ${event}\ndata: ${data === null ? "" : JSON.stringify(data)}\n\n`).join("");
  return new Response(text, { headers: { "content-type": "text/event-stream" } });
}
