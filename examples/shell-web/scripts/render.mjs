// Reads a text from stdin and writes the page to stdout.
import { readFileSync } from "node:fs";

import { render } from "../src/markup.js";

const body = render(readFileSync(0, "utf8"));
process.stdout.write(`<!doctype html>\n<meta charset="utf-8">\n${body}\n`);
