// Accepts a finding as people do: by keyboard, without JavaScript, in light, dark and narrow.
// usage: LEAKTAP_PASSWORD=... node accept.mjs URL CHROMIUM MODULES
// Leaves the password hash of the profile accepted. Writes a line for each thing that is
// wrong, and exits 1 if there is one.
import { start, looks, fail, check, end, sound, logIn } from "./chromium.mjs";

const { url, browser, axe } = await start();
const password = process.env.LEAKTAP_PASSWORD;
const at = (address) => new URL(address, url).href;
const reason = "the demo's own <accounts>";

const context = await browser.newContext(looks.light);
const page = await context.newPage();
page.on("pageerror", (e) => fail(`${e}`));

// The finding, and what it says to who has not logged in.
await page.goto(at("/?rule=password-hash&service=accounts"));
const finding = await page.getAttribute("tbody a[href^='/findings/']", "href");
await page.goto(at(finding));
check(!(await page.isVisible("form.accept")), "reader: there is a form to accept");
await Promise.all([page.waitForURL(/\/login/), page.click("text=Log in to accept this")]);
await sound(page, axe, "log in");

// A wrong password, then the right one by keyboard alone, and back to the finding.
await logIn(page, url, "ada", "wrong wrong wrong", finding);
check((await page.textContent("[role=alert]")).includes("the name or the password is wrong"), "wrong password: the page does not say so");
check((await page.inputValue("input[name=name]")) === "", "wrong password: the name is shown");
check((await context.cookies()).length === 0, "wrong password: there is a cookie");
await sound(page, axe, "wrong password");
await page.focus("input[name=name]");
await page.keyboard.type("ada");
await page.keyboard.press("Tab");
await page.keyboard.type(password);
await Promise.all([page.waitForURL(at(finding)), page.keyboard.press("Enter")]);
const [cookie] = await context.cookies();
check(cookie && cookie.httpOnly && cookie.sameSite === "Strict" && cookie.expires === -1, `the cookie is ${JSON.stringify({ ...cookie, value: "" })}`);
check(!(await page.content()).includes(cookie.value), "the page holds the session");
check((await page.evaluate("document.cookie")) === "", "scripts see the cookie");

// Each look of the form.
for (const [look, options] of Object.entries(looks)) {
  await page.setViewportSize(options.viewport);
  await page.emulateMedia({ colorScheme: options.colorScheme });
  await sound(page, axe, `form, ${look}`);
}
await page.setViewportSize(looks.light.viewport);
await page.emulateMedia({ colorScheme: "light" });

// What is not filled in is not sent; what is wrong is said beside what was typed.
await page.click("form.accept button");
check(page.url() === at(finding), "no reason: the form was sent");
await page.fill("textarea[name=reason]", "  ");
await page.evaluate("document.querySelector('form.accept').noValidate = true");
await Promise.all([page.waitForURL(/accept$/), page.click("form.accept button")]);
check((await page.textContent("[role=alert]")).includes("reason is needed"), "blank reason: the page does not say so");
check((await page.getAttribute("textarea[name=reason]", "aria-invalid")) === "true", "blank reason: the field is not marked");
await sound(page, axe, "blank reason");

// Accept by keyboard, without JavaScript, with the same session.
const plain = await browser.newContext({ ...looks.light, javaScriptEnabled: false });
await plain.addCookies([{ ...cookie, url: undefined }]);
const still = await plain.newPage();
await still.goto(at(finding));
await still.focus("textarea[name=reason]");
await still.keyboard.type(reason);
for (let i = 0; i < 6 && (await still.locator("form.accept button:focus").count()) === 0; i++) await still.keyboard.press("Tab"); // through the parts of the date
await Promise.all([still.waitForURL(at(finding)), still.keyboard.press("Enter")]);
const shown = async (p) => (await p.textContent("main")).replace(/\s+/g, " ");
check(/Accepted by ?ada/.test(await shown(still)) && (await shown(still)).includes(reason), "accepted: the page does not show by whom and why");

// It is listed apart.
const hrefs = async (address) => {
  await page.goto(at(address));
  return page.$$eval("tbody a[href^='/findings/']", (links) => links.map((a) => a.getAttribute("href")));
};
check(!(await hrefs("/")).includes(finding), "accepted: it is in the list of all");
check(!(await hrefs("/?state=open")).includes(finding), "accepted: it is among the open");
check((await hrefs("/?state=accepted")).join() === finding, "accepted: it is not among the accepted");
for (const [look, options] of Object.entries(looks)) {
  await page.setViewportSize(options.viewport);
  await page.emulateMedia({ colorScheme: options.colorScheme });
  for (const address of ["/?state=accepted", finding]) {
    await page.goto(at(address));
    await sound(page, axe, `${address}, ${look}`);
  }
}
await page.emulateMedia({ media: "print" });
check(!(await page.isVisible("form.accept")) && !(await page.isVisible("text=Withdraw the acceptance")), "print: forms are printed");
check((await shown(page)).includes(reason), "print: the acceptance is not printed");
await page.emulateMedia({ media: null });

// A page of another site sends the same form: refused, however it is sent.
const evil = await context.newPage();
await evil.route("http://evil.test/", (route) => route.fulfill({ contentType: "text/html", body: `<form method="post" action="${at(finding + "/withdraw")}"><button>x</button></form>` }));
await evil.goto("http://evil.test/");
const [answer] = await Promise.all([evil.waitForResponse(/withdraw$/), evil.click("button")]);
check(answer.status() === 403, `another site: ${answer.status()}`);
const token = await page.getAttribute("input[name=token]", "value");
const forged = await context.request.post(at(finding + "/withdraw"), { form: { token: token.slice(1) + "A" } });
check(forged.status() === 403, `forged token: ${forged.status()}`);
const crossed = await context.request.post(at(finding + "/withdraw"), { form: { token }, headers: { "Sec-Fetch-Site": "cross-site", Origin: "https://evil.test" } });
check(crossed.status() === 403, `right token from another site: ${crossed.status()}`);
check((await hrefs("/?state=accepted")).join() === finding, "forged: it was withdrawn");

// Withdraw, accept anew, log out.
await page.goto(at(finding));
await Promise.all([page.waitForURL(at(finding)), page.click("text=Withdraw the acceptance")]);
await page.waitForLoadState("load");
check((await hrefs("/?state=accepted")).length === 0 && (await hrefs("/")).includes(finding), "withdrawn: it is still accepted");
await page.goto(at(finding));
await page.fill("textarea[name=reason]", reason);
await page.click("form.accept button");
await page.waitForSelector("text=Withdraw the acceptance");
await Promise.all([page.waitForURL(at("/")), page.click("text=Log out")]);
check((await context.cookies()).length === 0, "logged out: there is a cookie");
await still.goto(at(finding));
check(!(await still.isVisible("form.accept")), "logged out: the session goes on elsewhere");

await end(browser);
