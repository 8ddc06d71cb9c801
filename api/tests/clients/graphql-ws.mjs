// graphql-ws as npm has it, over a wire that breaks: queries, orders, and a stream that goes on where it broke off.
//
// graphql-ws.mjs WIRE SERVER RIDES     HANSOM_TOKEN: that of a service

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const [wire, server, rides] = process.argv.slice(2);
const operation = (name) => readFileSync(new URL(`../../operations/${name}.graphql`, import.meta.url), "utf8");
const connectionParams = { authorization: `Bearer ${process.env.HANSOM_TOKEN}` };

let connections = 0;
const client = (url, options = {}) => createClient({ url, webSocketImpl: WebSocket, connectionParams, ...options });
const broken = client(wire, {
  retryAttempts: 1_000,
  retryWait: () => Promise.resolve(),
  shouldRetry: () => true,
  on: { connected: () => (connections += 1) },
});
const whole = client(server);

/** The one answer to a query or an order. When the connection breaks, the library sends it again, with the same key. */
async function ask(name, variables) {
  for await (const { data, errors } of broken.iterate({ query: operation(name), variables })) {
    assert.equal(errors, undefined, JSON.stringify(errors));
    return Object.values(data)[0];
  }
  throw new Error(`${name} was not answered`);
}

/** A UUID of version 7: it starts with the time. */
function newKey() {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  return bytes.toString("hex").replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

/** Events until one is the last that is wanted. */
function listen(client, variables, isLast) {
  const events = [];
  return new Promise((done, failed) => {
    const end = client.subscribe(
      { query: operation("events"), variables },
      {
        next: ({ data, errors }) => {
          if (errors) return failed(new Error(JSON.stringify(errors)));
          events.push(data.events);
          // When it connects again, the client sends the variables as they are then.
          variables.after = data.events.id;
          if (isLast(data.events)) {
            end();
            done(events);
          }
        },
        error: failed,
        complete: () => {},
      },
    );
  });
}

const [market] = await ask("markets", {});
let ended = 0;
const listening = listen(broken, { from: market.next }, (event) => {
  ended += event.__typename === "RideEnded";
  return ended === Number(rides);
});
const place = (n) => ({ lat: 47.9938 + n / 1e5, lon: 10.9929 });
for (let n = 0; n < Number(rides); n += 1) {
  const input = { rider: `ws-${n}`, pickup: place(n), dropoff: place(200 - n) };
  const asked = await ask("request-ride", { key: newKey(), input });
  assert.equal(asked.__typename, "RideTaken", JSON.stringify(asked));
  const cancelled = await ask("cancel-ride", { key: newKey(), input: { ride: asked.ride } });
  assert.equal(cancelled.__typename, "Taken", JSON.stringify(cancelled));
  const ride = await ask("ride", { id: asked.ride, minOffset: cancelled.offset });
  assert.equal(ride.status, "CANCELLED_BEFORE_MATCH", JSON.stringify(ride));
}
const heard = await listening;
const last = heard.at(-1).id;
assert.deepEqual(heard, await listen(whole, { from: market.next }, (event) => event.id === last));
assert.ok(connections > 5, `${connections} connections`);
await Promise.all([broken.dispose(), whole.dispose()]);
console.log(`graphql-ws: ${heard.length} events over ${connections} connections, each once and in order`);
