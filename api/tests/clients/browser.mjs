// Chromium without a window, over its own protocol, for pages that are looked at and clicked.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import WebSocket from "ws";

const ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-port=0"];

export class Browser {
  #chromium;
  #profile = mkdtempSync(join(tmpdir(), "hansom-browser-"));
  #socket;
  #session;
  #count = 0;
  #waiting = new Map();

  /** A browser with one page of this size. `heard` gets all that the page tells: method and parameters. */
  static async open(executable, [width, height], heard) {
    const browser = new Browser();
    browser.#chromium = spawn(executable, [...ARGUMENTS, `--user-data-dir=${browser.#profile}`], { stdio: ["ignore", "ignore", "pipe"] });
    await browser.#connect(heard);
    const { targetId } = await browser.#send("Target.createTarget", { url: "about:blank" });
    browser.#session = (await browser.#send("Target.attachToTarget", { targetId, flatten: true })).sessionId;
    for (const domain of ["Page", "Runtime", "Network"]) await browser.#send(`${domain}.enable`);
    await browser.#send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
    return browser;
  }

  async #connect(heard) {
    const said = [];
    for await (const line of createInterface({ input: this.#chromium.stderr })) {
      said.push(line);
      const address = line.match(/DevTools listening on (.*)/)?.[1];
      if (address) {
        this.#socket = new WebSocket(address);
        break;
      }
    }
    if (!this.#socket) throw new Error(`Chromium does not start:\n${said.join("\n")}`);
    this.#chromium.stderr.resume();
    this.#socket.on("message", (data) => {
      const { id, method, params, result, error } = JSON.parse(data);
      if (method) return heard(method, params);
      const { done, failed } = this.#waiting.get(id);
      this.#waiting.delete(id);
      return error ? failed(new Error(error.message)) : done(result);
    });
    await once(this.#socket, "open");
  }

  #send(method, params = {}) {
    const id = (this.#count += 1);
    this.#socket.send(JSON.stringify({ id, method, params, sessionId: this.#session }));
    return new Promise((done, failed) => this.#waiting.set(id, { done, failed }));
  }

  async go(url) {
    await this.#send("Page.navigate", { url });
  }

  /** What an expression comes to on the page. */
  async ask(expression) {
    const options = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.#send("Runtime.evaluate", options);
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
    return result.value;
  }

  /** What an expression comes to once that is something; looked at whenever the page is drawn. */
  async until(what, expression) {
    const look = `new Promise((done) => {
      const end = performance.now() + 20_000;
      const look = () => {
        const found = (${expression});
        if (found || performance.now() > end) done(found || null);
        else requestAnimationFrame(look);
      };
      look();
    })`;
    const found = await this.ask(look);
    if (found === null) throw new Error(`the page does not show ${what}:\n${await this.ask("document.body.innerText")}`);
    return found;
  }

  async picture() {
    return Buffer.from((await this.#send("Page.captureScreenshot", { format: "png" })).data, "base64");
  }

  async close() {
    const ended = once(this.#chromium, "exit");
    this.#socket?.close();
    this.#chromium.kill();
    await ended;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
  }
}
