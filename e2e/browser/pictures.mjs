// Makes the pictures of docs/: WebP, drawn and packed by Chromium.
// usage: LEAKTAP_PASSWORD=... node pictures.mjs URL CHROMIUM MODULES FOLDER
import { writeFileSync } from "node:fs";
import path from "node:path";
import { start, end, logIn } from "./chromium.mjs";

const { url, browser, rest: [folder] } = await start();
const at = (address) => new URL(address, url).href;

// packed turns a PNG into a WebP.
const packer = await (await browser.newContext()).newPage();
const packed = (png) => packer.evaluate(async (source) => {
  const image = new Image();
  image.src = "data:image/png;base64," + source;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas.toDataURL("image/webp", 0.8).split(",")[1];
}, png.toString("base64"));

async function picture(name, width, height, colorScheme, visit) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme });
  const page = await context.newPage();
  await visit(page);
  const png = await page.screenshot({ animations: "disabled" });
  writeFileSync(path.join(folder, name + ".webp"), Buffer.from(await packed(png), "base64"));
  await context.close();
}

async function finding(page, query) {
  await page.goto(at(query));
  await page.goto(at(await page.getAttribute("tbody a[href^='/findings/']", "href")));
}

await picture("page-finding-dark", 1000, 1150, "dark", async (page) => {
  await logIn(page, url, "ada", process.env.LEAKTAP_PASSWORD);
  await finding(page, "/?rule=pii-phone");
  await page.fill("textarea[name=reason]", "Couriers call the customer; the invoice shows the number on purpose. SHOP-214");
  await page.click("form.accept button");
  await page.waitForSelector("text=Withdraw the acceptance");
  await finding(page, "/?rule=password-hash&service=accounts");
  await page.fill("textarea[name=reason]", "Goes away with release 4.2, see ACC-1188");
  await page.locator("#accept").scrollIntoViewIfNeeded();
});
await picture("page-list", 1280, 760, "light", (page) => page.goto(at("/?state=any")));
await picture("page-narrow", 390, 800, "light", (page) => finding(page, "/?rule=password-hash&service=shop"));

await end(browser);
