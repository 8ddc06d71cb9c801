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
/** What is answered, once it says so. */
const answer = async (text) =>
  JSON.parse(await browser.until(text, `((shown) => shown?.includes(${JSON.stringify(text)}) && shown)(${shown})`));
const press = (selector) => browser.until(selector, `((it) => it && (it.click(), true))(document.querySelector('${selector}'))`);
const open = async (name) => {
  const tabs = '[...document.querySelectorAll(".graphiql-tab-button")]';
  await browser.until(name, `${tabs}.some((tab) => tab.textContent === "${name}" && (tab.click(), true))`);
  await browser.until(name, `document.querySelector(".graphiql-tab-active")?.textContent.startsWith("${name}")`);
};

try {
  await browser.go(`${server}/graphiql`);
  await open("Markets");
  await press(".graphiql-execute-button");
  const [market] = (await answer('"name"')).data.markets;
  assert.equal(market.name, "small-town");
  assert.equal(market.serving, true);
  await press('[aria-label="Show Documentation Explorer"]');
  await browser.until("the schema", 'document.querySelector(".graphiql-plugin")?.innerText.includes("Subscription")');
  await picture("query");
  await press('[aria-label="Hide Documentation Explorer"]');

  // What happens in the city is shown as it happens.
  await open("Events");
  await press(".graphiql-execute-button");
  const first = (await answer('"OfferMade"')).data.events;
  await picture("subscription");
  const later = `((id) => id && id !== "${first.id}" && id)(${shown}.match(/"id": "([0-9.]+)"/)?.[1])`;
  await browser.until("a later event", later);
  await press(".graphiql-execute-button");

  // An order by the page itself: its key is fresh, in the time of the city.
  await open("RequestRide");
  // A moment after a tab was opened, GraphiQL still names the operation of the one before.
  let taken;
  do {
    await press(".graphiql-execute-button");
    const said = await answer("{");
    if (said.errors) assert.match(said.errors[0].message, /Unknown operation/);
    taken = said.data?.requestRide;
  } while (!taken);
  assert.equal(taken.__typename, "RideTaken", JSON.stringify(taken));
  await picture("order");
  assert.deepEqual(faults, []);
  console.log(`GraphiQL answers, listens and orders: ride ${taken.ride} of ${market.name}`);
} finally {
  await browser.close();
}
