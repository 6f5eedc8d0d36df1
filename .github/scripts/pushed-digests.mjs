// Prints what a build has pushed, an image a line as NAME@DIGEST, from what `docker buildx bake --metadata-file` wrote.
import { readFileSync } from "node:fs";

const [, , file = ""] = process.argv;
const images = Object.values(JSON.parse(readFileSync(file, "utf8")))
  // A target that others are built upon has no name: it is not pushed.
  .filter((target) => target["image.name"] !== undefined)
  .map((target) => {
    const [reference] = target["image.name"].split(",");
    const digest = target["containerimage.digest"];
    if (digest === undefined) throw new Error(`${reference} has no digest: was it pushed?`);
    return `${reference.replace(/:[^:/]+$/, "")}@${digest}`;
  });
if (images.length === 0) throw new Error(`${file} names no image: was anything pushed?`);
console.log(images.join("\n"));
