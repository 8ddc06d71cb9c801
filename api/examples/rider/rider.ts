// A rider's app: asks what a ride costs, asks for it and follows it to its end.
//
// rider.js ADDRESS NAME [RIDES]     HANSOM_TOKEN: the rider's

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createClient } from "graphql-ws";
import WebSocket from "ws";

type Failure = { reason: string; retryable: boolean; retryAfterMs: number | null };
type Market = { now: string | null };
type Quote = { __typename: "RideQuote"; fareMinor: number; currency: string; firstEtaMs: number | null };
type RideTaken = { __typename: "RideTaken"; offset: string; ride: string; fareMinor: number };
type RideEvent = { __typename: string; id: string; outcome?: string };

const PICKUP = { lat: 47.9938, lon: 10.9929 };
const DROPOFF = { lat: 47.9965, lon: 10.9965 };

const token = process.env["HANSOM_TOKEN"];
const authorization: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
const operation = (name: string) => readFileSync(new URL(`../../operations/${name}.graphql`, import.meta.url), "utf8");
const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** A UUID of version 7: it starts with the time, which in a simulated city is another than here. */
async function newKey(address: string): Promise<string> {
  const [market] = await ask<Market[]>(address, "markets", {});
  const bytes = randomBytes(16);
  bytes.writeUIntBE(market?.now ? Date.parse(market.now) : Date.now(), 0, 6);
  bytes[6] = 0x70 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  return bytes.toString("hex").replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

/** The only field of an answer. One that may be better later, or that got lost, is asked for again: an order with the same key. */
async function ask<T extends object>(address: string, name: string, variables: object): Promise<T> {
  const body = JSON.stringify({ query: operation(name), variables });
  const headers = { ...authorization, "content-type": "application/json", accept: "application/graphql-response+json" };
  for (;;) {
    let answer: { data?: Record<string, T | Failure>; errors?: unknown };
    try {
      answer = (await (await fetch(address, { method: "POST", headers, body })).json()) as typeof answer;
    } catch {
      await pause(200);
      continue;
    }
    const field = answer.data && Object.values(answer.data)[0];
    if (!field || answer.errors) throw new Error(`${name}: ${JSON.stringify(answer)}`);
    if (!("reason" in field)) return field;
    if (!field.retryable) throw new Error(`${name}: ${field.reason}`);
    await pause(field.retryAfterMs ?? 1000);
  }
}

/** Follows a ride to its end, over as many connections as it takes: `after` is the last event that is known. */
async function follow(address: string, { ride, offset }: RideTaken): Promise<string> {
  const client = createClient({
    url: address.replace(/^http/, "ws"),
    webSocketImpl: WebSocket,
    connectionParams: authorization,
    retryAttempts: 100,
    retryWait: () => pause(200),
    shouldRetry: () => true,
    on: { closed: () => console.log("the connection is closed") },
  });
  const variables: { ride: string; from: string; after?: string } = { ride, from: offset };
  const seen = new Set<string>();
  let outcome = "";
  await new Promise<void>((done, failed) => {
    const heard = (event: RideEvent) => {
      if (seen.has(event.id)) throw new Error(`${event.id} came twice`);
      seen.add(event.id);
      // When it connects again, the client sends the variables as they are then.
      variables.after = event.id;
      outcome = event.outcome ?? outcome;
      console.log(event.__typename, event.id);
    };
    client.subscribe<{ ride: RideEvent }>(
      { query: operation("follow-ride"), variables },
      { next: ({ data }) => data && heard(data.ride), error: failed, complete: done },
    );
  });
  await client.dispose();
  return outcome;
}

const [address, rider, rides] = process.argv.slice(2);
if (!address || !rider) throw new Error("rider.js ADDRESS NAME [RIDES]");
const way = { pickup: PICKUP, dropoff: DROPOFF };
for (let left = Number(rides ?? 1); left > 0; left -= 1) {
  const quote = await ask<Quote>(address, "quote", way);
  const taken = await ask<RideTaken>(address, "request-ride", { key: await newKey(address), input: { rider, ...way } });
  console.log(`ride ${taken.ride}: ${taken.fareMinor} of ${quote.fareMinor} ${quote.currency} as quoted`);
  const outcome = await follow(address, taken);
  console.log(`ride ${taken.ride}: ${outcome}`);
  if (outcome !== "COMPLETED") process.exitCode = 1;
}
