import assert from "node:assert/strict";
import { type Browser, chromium, type Page } from "playwright-core";
import { findOnPath } from "../../components/find-on-path.ts";
import { FIRST_KEY, type TestApi, withApi } from "./support.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/** Root's browsers have no sandbox of their own; they load nothing but our page. */
const OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
const PATIENCE_MS = 60_000;

const EXECUTABLE = NAMES.map((name) => findOnPath(name, process.env.PATH ?? "")).find(
  (path) => path !== undefined,
);

describe("the page of the API's document, in a browser", function () {
  this.timeout(180_000);
  if (EXECUTABLE === undefined) {
    it("is not tested here", () => {
      process.stdout.write(`      not tested here: no browser of ${NAMES.join(", ")} is on PATH\n`);
    });
    return;
  }
  let api: TestApi;
  let browser: Browser | undefined;
  /** What the console, a failed request or the policy complained of. */
  let complaints: string[];
  withApi((_, made) => {
    api = made;
  });

  before(async () => {
    browser = await chromium.launch({ executablePath: EXECUTABLE, args: OPTIONS, timeout: PATIENCE_MS });
  });
  after(() => browser?.close());

  async function open(): Promise<Page> {
    const page = await browser?.newPage({ viewport: { width: 1_200, height: 1_400 } });
    assert(page !== undefined);
    page.setDefaultTimeout(PATIENCE_MS);
    complaints = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("requestfailed", (request) => complaints.push(`${request.url()} failed`));
    page.on("request", (request) => {
      if (!request.url().startsWith(api.base) && !request.url().startsWith("data:"))
        complaints.push(`a request to ${request.url()}`);
    });
    await page.goto(`${api.base}/docs`);
    return page;
  }

  it("lists every operation, and complains of nothing", async () => {
    const page = await open();
    await page.waitForSelector(".opblock");
    const { body } = await api.get("/openapi.json", "");
    const operations = Object.values(body.paths as object).flatMap((methods) => Object.keys(methods));
    assert.equal(await page.locator(".opblock").count(), operations.length);
    assert.match(await page.locator(".info .title").first().innerText(), /^taskfleet/);
    assert.deepEqual(complaints, []);
    await page.close();
  });

  it("pushes a task with a key, and shows the answer", async () => {
    const page = await open();
    await page.locator("button.authorize").first().click();
    await page.locator(".auth-container input").fill(FIRST_KEY);
    await page.locator(".auth-btn-wrapper button[type=submit]").click();
    await page.locator(".auth-btn-wrapper button.btn-done").click();

    const push = page.locator(".opblock", { has: page.locator('[data-path="/api/tasks"]') });
    await push.locator(".opblock-summary-control").click();
    await push.locator(".try-out__btn").click();
    await push.locator("textarea.body-param__text").fill('{"kind": "k", "id": "from-the-page"}');
    await push.locator("button.execute").click();
    const answer = push.locator(".live-responses-table .response-col_status", { hasText: "202" });
    await answer.first().waitFor();
    assert.match(await push.locator(".live-responses-table").innerText(), /"state": "waiting"/);
    assert.deepEqual((await api.get("/api/tasks/from-the-page")).body, {
      id: "from-the-page",
      state: "open",
    });
    assert.deepEqual(complaints, []);
    await page.close();
  });
});
