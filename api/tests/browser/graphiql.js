// GraphiQL in a real browser: a query answers, a subscription delivers, and nothing is loaded from elsewhere.
//
// graphiql.js SERVER CHROMIUM SCREENSHOT

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import puppeteer from "puppeteer-core";

const [server, executablePath, screenshot] = process.argv.slice(2);
const browser = await puppeteer.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
try {
  const page = await browser.newPage();
  await page.setViewport({ width: 1200, height: 720 });
  const faults = [];
  page.on("pageerror", (fault) => faults.push(String(fault)));
  page.on("requestfailed", (request) => faults.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(server) && !request.url().startsWith("data:")) faults.push(`loads ${request.url()}`);
  });
  await page.goto(`${server}/graphiql`);
  const run = async () => {
    await page.waitForSelector(".graphiql-execute-button");
    await page.click(".graphiql-execute-button");
  };
  const answers = (text) =>
    page.waitForFunction(
      (text) => document.querySelector(".graphiql-response .CodeMirror")?.CodeMirror.getValue().includes(text),
      {},
      text,
    );
  const open = async (name) => {
    await page.waitForFunction((name) => {
      const tab = [...document.querySelectorAll(".graphiql-tab-button")].find((tab) => tab.textContent === name);
      tab?.click();
      return tab?.getAttribute("aria-selected") === "true" || tab?.parentElement?.className.includes("active");
    }, {}, name);
  };

  await open("Markets");
  await run();
  await answers('"name": "town"');

  // An order from the page itself, with a fresh key.
  await open("RequestRide");
  await run();
  await answers('"RideTaken"');

  await open("Events");
  await run();
  await answers('"RideRequested"');
  const query = readFileSync(new URL("../../operations/start-shift.graphql", import.meta.url), "utf8");
  const now = Date.now().toString(16).padStart(12, "0");
  const key = `${now.slice(0, 8)}-${now.slice(8)}-7000-8000-000000000001`;
  const input = { driver: "d1", place: { lat: 47.9938, lon: 10.9929 } };
  const response = await fetch(`${server}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables: { key, input } }),
  });
  const taken = await response.json();
  assert.equal(taken.data.startShift.__typename, "SessionTaken", JSON.stringify(taken));
  await answers('"OfferMade"');
  await page.screenshot({ path: screenshot });
  assert.deepEqual(faults, []);
  console.log("GraphiQL answers, listens and orders");
} finally {
  await browser.close();
}
