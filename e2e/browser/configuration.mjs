// Looks at the page of a daemon's configuration: in light, dark and narrow, by keyboard, in
// print. usage: node configuration.mjs URL CHROMIUM MODULES [MISTAKE]
// With MISTAKE, a part of a message, a newer configuration has to be refused with it.
import { start, looks, fail, check, end, sound } from "./chromium.mjs";

const { url, browser, axe, rest: [mistake] } = await start();
const address = new URL("/configuration", url).href;

for (const [look, options] of Object.entries(looks)) {
  const context = await browser.newContext({ ...options, javaScriptEnabled: true });
  const page = await context.newPage();
  page.on("console", (m) => { if (m.type() === "error") fail(`${look}: console: ${m.text()}`); });
  await page.goto(address);
  await sound(page, axe, look);
  const lines = (await page.textContent("pre.settings")).split("\n");
  check(lines.some((l) => /^ {6}paths:$/.test(l)), `${look}: indentation is lost in\n${lines.join("\n")}`);
  check(lines.some((l) => /# leaktap\.yaml:2$/.test(l)) && lines.some((l) => /# default$/.test(l)), `${look}: origins are missing`);
  const tall = await page.$eval("pre.settings", (e) => e.getBoundingClientRect().height / e.textContent.split("\n").length);
  check(look === "narrow" || tall < 40, `${look}: lines are ${tall} pixels tall: they are broken`);
  check((await page.isVisible("text=A newer one was refused")) === Boolean(mistake), `${look}: a refusal is ${mistake ? "not " : ""}shown`);
  if (mistake) check((await page.textContent(".mistakes")).includes(mistake), `${look}: the mistake is not shown`);
  await page.emulateMedia({ media: "print" });
  check(await page.isVisible("pre.settings"), `${look}: the configuration is not printed`);
  await context.close();
}

{ // keyboard only: from the navigation to the text, which scrolls
  const page = await (await browser.newContext(looks.narrow)).newPage();
  await page.goto(url);
  const reach = async (selector) => {
    for (let i = 0; i < 40; i++) {
      if (await page.evaluate((s) => document.activeElement.matches(s), selector)) return true;
      await page.keyboard.press("Tab");
    }
    return false;
  };
  check(await reach("a[href='/configuration']"), "keyboard: the page is not reached");
  await Promise.all([page.waitForURL(address), page.keyboard.press("Enter")]);
  check(await reach("pre.settings"), "keyboard: the text is not reached");
}

await end(browser);
