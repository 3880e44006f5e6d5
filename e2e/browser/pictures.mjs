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
  return canvas.toDataURL("image/webp", 0.7).split(",")[1];
}, png.toString("base64"));

// picture keeps what a window of that size shows, or the whole page if it has no height.
async function picture(name, width, height, colorScheme, visit) {
  const context = await browser.newContext({ viewport: { width, height: height || 800 }, colorScheme });
  const page = await context.newPage();
  await visit(page);
  const png = await page.screenshot({ animations: "disabled", fullPage: !height });
  if (process.env.PNG) writeFileSync(path.join(folder, name + ".png"), png);
  writeFileSync(path.join(folder, name + ".webp"), Buffer.from(await packed(png), "base64"));
  await context.close();
}

async function finding(page, query) {
  await page.goto(at(query));
  await page.goto(at(await page.getAttribute("tbody a[href^='/findings/']", "href")));
}

await picture("page-finding-dark", 1000, 0, "dark", async (page) => {
  await logIn(page, url, "ada", process.env.LEAKTAP_PASSWORD);
  await finding(page, "/?rule=overexposed-list");
  await page.fill("textarea[name=reason]", "Staff see each other on purpose until the directory moves: SHOP-214");
  await page.click("form.accept button");
  await page.waitForSelector("text=Withdraw the acceptance");
});
await picture("page-list", 1280, 760, "light", (page) => page.goto(at("/?state=any")));
await picture("page-narrow", 390, 800, "light", (page) => finding(page, "/?rule=password-hash&service=shop"));
await picture("page-configuration", 900, 700, "light", (page) => page.goto(at("/configuration")));

await end(browser);
