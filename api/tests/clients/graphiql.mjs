// GraphiQL in a browser, as somebody meets it who serves a simulated city: it knows the schema, a query answers, a subscription
// delivers, an order is taken, and nothing is loaded from elsewhere.
//
// graphiql.mjs SERVER CHROMIUM PICTURES

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Browser } from "./browser.mjs";

const [server, executable, pictures] = process.argv.slice(2);
mkdirSync(pictures, { recursive: true });
const faults = [];
const requests = new Map();
const heard = (method, params) => {
  if (method === "Runtime.exceptionThrown") faults.push(params.exceptionDetails.exception?.description);
  if (method === "Network.requestWillBeSent") {
    const { url } = params.request;
    requests.set(params.requestId, url);
    if (!url.startsWith(server) && !url.startsWith("data:")) faults.push(`it loads ${url}`);
  }
  if (method === "Network.loadingFailed") faults.push(`${requests.get(params.requestId)}: ${params.errorText}`);
};
const browser = await Browser.open(executable, [1200, 720], heard);
const picture = async (name) => writeFileSync(join(pictures, `${name}.png`), await browser.picture());

const shown = 'document.querySelector(".graphiql-response .CodeMirror")?.CodeMirror.getValue()';
const press = (selector) => browser.until(selector, `((it) => it && (it.click(), true))(document.querySelector('${selector}'))`);
/** What the tab is first answered. */
const execute = async () => {
  await press(".graphiql-execute-button");
  const said = await browser.until("an answer", `((shown) => shown?.includes("}") && shown)(${shown})`);
  assert.ok(!said.includes('"errors"'), said);
  return JSON.parse(said).data;
};
/** Opens a tab. For a moment after that GraphiQL still names the operation of the one before, until it keeps the new name. */
const open = async (name) => {
  const tabs = '[...document.querySelectorAll(".graphiql-tab-button")]';
  await browser.until(name, `${tabs}.some((tab) => tab.textContent === "${name}" && (tab.click(), true))`);
  await browser.until(name, `localStorage.getItem("graphiql:operationName") === "${name}"`);
};

try {
  await browser.go(`${server}/graphiql`);
  await open("Markets");
  const [market] = (await execute()).markets;
  assert.equal(market.name, "small-town");
  assert.equal(market.serving, true);
  await press('[aria-label="Show Documentation Explorer"]');
  await browser.until("the schema", 'document.querySelector(".graphiql-plugin")?.innerText.includes("Subscription")');
  await picture("query");
  await press('[aria-label="Hide Documentation Explorer"]');

  // What happens in the city is shown as it happens.
  await open("Events");
  const first = (await execute()).events;
  await picture("subscription");
  const later = `((id) => id && id !== "${first.id}" && id)(${shown}.match(/"id": "([0-9.]+)"/)?.[1])`;
  await browser.until("a later event", later);
  await press(".graphiql-execute-button");

  // An order by the page itself: its key is fresh, in the time of the city.
  await open("RequestRide");
  const taken = (await execute()).requestRide;
  assert.equal(taken.__typename, "RideTaken", JSON.stringify(taken));
  await picture("order");
  assert.deepEqual(faults, []);
  console.log(`GraphiQL answers, listens and orders: ride ${taken.ride} of ${market.name}`);
} finally {
  await browser.close();
}
