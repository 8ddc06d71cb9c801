// A rider's app: asks for a ride and follows it to its end.
//
// rider.js ADDRESS NAME [RIDES]

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createClient } from "graphql-ws";
import WebSocket from "ws";

type Failure = { reason: string; retryable: boolean; retryAfterMs: number | null };
type RideTaken = { __typename: "RideTaken"; offset: string; ride: string; fareMinor: number };
type RequestRideResult = RideTaken | ({ __typename: Exclude<string, "RideTaken"> } & Failure);
type RideEvent = { __typename: string; id: string; outcome?: string };

const operation = (name: string) => readFileSync(new URL(`../../operations/${name}.graphql`, import.meta.url), "utf8");

/** A UUID of version 7: it starts with the time. */
function newKey(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = 0x70 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  return bytes.toString("hex").replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** Asks for a ride. A request that may do better later, or whose answer got lost, is sent again with the same key. */
async function request(address: string, rider: string): Promise<RideTaken> {
  const pickup = { lat: 47.9938, lon: 10.9929 };
  const dropoff = { lat: 47.9965, lon: 10.9965 };
  const variables = { key: newKey(), input: { rider, pickup, dropoff } };
  for (;;) {
    try {
      const response = await fetch(address, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
        body: JSON.stringify({ query: operation("request-ride"), variables }),
      });
      const { data, errors } = (await response.json()) as { data: { requestRide: RequestRideResult }; errors?: unknown };
      if (errors) throw new Error(`refused: ${JSON.stringify(errors)}`);
      const result = data.requestRide;
      if ("ride" in result) return result;
      if (!result.retryable) throw new Error(`refused: ${result.reason}`);
      await pause(result.retryAfterMs ?? 1000);
    } catch (cause) {
      if (String(cause).includes("refused: ")) throw cause;
      await pause(200);
    }
  }
}

/** Follows a ride to its end, over as many connections as it takes: `after` is the last event that is known. */
async function follow(address: string, { ride, offset }: RideTaken): Promise<string> {
  const client = createClient({
    url: address.replace(/^http/, "ws"),
    webSocketImpl: WebSocket,
    retryAttempts: 100,
    retryWait: () => pause(200),
    shouldRetry: () => true,
    on: { closed: () => console.log("the connection is closed") },
  });
  const variables: { ride: string; from: string; after?: string } = { ride, from: offset };
  const seen = new Set<string>();
  let outcome = "";
  // When it connects again, the client sends the variables as they are then.
  for await (const { data, errors } of client.iterate<{ ride: RideEvent }>({ query: operation("follow-ride"), variables })) {
    if (errors || !data) throw new Error(JSON.stringify(errors));
    const event = data.ride;
    if (seen.has(event.id)) throw new Error(`${event.id} came twice`);
    seen.add(event.id);
    variables.after = event.id;
    console.log(event.__typename, event.id);
    outcome = event.outcome ?? outcome;
  }
  await client.dispose();
  return outcome;
}

const [address, rider, rides] = process.argv.slice(2);
if (!address || !rider) throw new Error("rider.js ADDRESS NAME [RIDES]");
for (let left = Number(rides ?? 1); left > 0; left -= 1) {
  const taken = await request(address, rider);
  const outcome = await follow(address, taken);
  console.log(`ride ${taken.ride}: ${outcome}, ${taken.fareMinor}`);
  if (outcome !== "COMPLETED") process.exitCode = 1;
}
