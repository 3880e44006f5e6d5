// Looks at the findings page as people do: in light, dark and narrow, by keyboard, without
// JavaScript, in print. usage: node check.mjs URL CHROMIUM MODULES [SCREENSHOTS]
// Writes a line for each thing that is wrong, and exits 1 if there is one.
import path from "node:path";
import { start, looks, fail, check, end, sound } from "./chromium.mjs";

const { url, browser, axe, rest: [shots] } = await start();

// pages returns the addresses to look at: one of each kind.
async function pages(page) {
  await page.goto(url);
  const finding = await page.getAttribute("a[href^='/findings/']", "href");
  return { findings: "/", filtered: "/?severity=high&sort=last&q=api", finding, routes: "/routes", tokens: "/tokens", pipeline: "/pipeline", configuration: "/configuration", rules: "/rules" };
}

for (const [look, options] of Object.entries(looks)) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on("console", (m) => { if (m.type() === "error") fail(`${look}: console: ${m.text()}`); });
  page.on("pageerror", (e) => fail(`${look}: ${e}`));
  for (const [name, address] of Object.entries(await pages(page))) {
    await page.goto(new URL(address, url).href);
    await sound(page, axe, `${look} ${name}`);
    if (shots) await page.screenshot({ path: path.join(shots, `${name}-${look}.png`) });
  }
  await context.close();
}

{ // keyboard only: past the navigation, through the filters, to a finding
  const page = await (await browser.newContext(looks.light)).newPage();
  await page.goto(url);
  await page.keyboard.press("Tab");
  check(await page.evaluate("document.activeElement.className") === "skip", "keyboard: the first stop is not the link past the navigation");
  await page.keyboard.press("Enter");
  check(await page.evaluate("location.hash") === "#content", "keyboard: the link past the navigation leads nowhere");
  await page.focus("input[name=q]");
  await page.keyboard.type("password-hash");
  await Promise.all([page.waitForURL(/q=password-hash/), page.keyboard.press("Enter")]);
  const rules = await page.$$eval("tbody th", (cells) => cells.map((c) => c.textContent));
  check(rules.length > 0 && rules.every((r) => r === "password-hash"), `keyboard: the search lists ${rules}`);
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate("(document.activeElement.getAttribute('href') || '').startsWith('/findings/')")) break;
  }
  const outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle");
  check(outline !== "none", "keyboard: the focus is not seen");
  await Promise.all([page.waitForURL(/\/findings\//), page.keyboard.press("Enter")]);
}

{ // live refresh: the content is loaded anew, and the button pauses that
  const page = await (await browser.newContext(looks.light)).newPage();
  await page.clock.install();
  await page.goto(url);
  check(await page.isVisible("#live"), "live: there is no button");
  await page.evaluate("document.querySelector('[data-fresh]').dataset.old = 'yes'");
  await page.clock.runFor(11_000);
  const old = () => page.evaluate("document.querySelector('[data-fresh]').dataset.old === 'yes'");
  for (let i = 0; i < 50 && (await old()); i++) await new Promise((done) => setTimeout(done, 100)); // the page's clock stands still
  check(!(await old()), "live: the content is not loaded anew");
  await page.click("#live");
  await page.evaluate("document.querySelector('[data-fresh]').dataset.old = 'yes'");
  await page.clock.runFor(31_000);
  await new Promise((done) => setTimeout(done, 500));
  check(await old(), "live: a pause does not hold");
}

{ // without JavaScript
  const page = await (await browser.newContext({ ...looks.light, javaScriptEnabled: false })).newPage();
  await page.goto(url);
  check(!(await page.isVisible("#live")), "no script: the button of the script is seen");
  await page.selectOption("select[name=severity]", "critical");
  await Promise.all([page.waitForURL(/severity=critical/), page.click("form button[type=submit]")]);
  check((await page.$$("tbody tr")).length > 0, "no script: the filter lists nothing");
}

{ // print: the list, not the form
  const page = await (await browser.newContext(looks.light)).newPage();
  await page.goto(url);
  await page.emulateMedia({ media: "print" });
  check(!(await page.isVisible("form.filters")) && !(await page.isVisible("header")), "print: form and navigation are printed");
  check(await page.isVisible("table"), "print: the list is not printed");
}

await end(browser);
