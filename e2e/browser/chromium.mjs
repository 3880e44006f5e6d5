// What scripts in Chromium share: the browser, axe-core, and a list of what is wrong.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import path from "node:path";

// start gives the browser that the arguments name: URL CHROMIUM MODULES.
export async function start() {
  const [, , url, chromiumPath, modules, ...rest] = process.argv;
  const require = createRequire(path.join(path.resolve(modules), "x.js"));
  const { chromium } = require("playwright-core");
  const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox", "--disable-gpu"] });
  return { url, browser, axe, rest };
}

export const looks = {
  light: { viewport: { width: 1280, height: 900 }, colorScheme: "light" },
  dark: { viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  narrow: { viewport: { width: 360, height: 740 }, colorScheme: "light" },
};

let wrong = 0;
export const fail = (text) => { wrong++; console.log(text); };
export const check = (ok, text) => { if (!ok) fail(text); };

// end ends the script: 1 if something was wrong.
export async function end(browser) {
  await browser.close();
  console.log(wrong ? `${wrong} wrong` : "all well");
  process.exit(wrong ? 1 : 0);
}

// sound looks at a page with axe-core, and at its width. The policy of the page forbids
// scripts of others: axe is run from outside of it.
export async function sound(page, axe, name) {
  const result = await page.evaluate(`${axe}; axe.run(document, { resultTypes: ["violations"] })`);
  for (const v of result.violations) fail(`${name}: axe ${v.id}: ${v.help} (${v.nodes.length}, ${v.nodes[0].target})`);
  const overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
  check(overflow <= 0, `${name}: the page is ${overflow} pixels too wide`);
}

// logIn logs in by the form, which leads to an address.
export async function logIn(page, url, name, password, next = "/") {
  await page.goto(new URL("/login?next=" + encodeURIComponent(next), url).href);
  await page.fill("input[name=name]", name);
  await page.fill("input[name=password]", password);
  await Promise.all([page.waitForLoadState("load"), page.click(".login button")]);
}
