import assert from "node:assert/strict";
import { test } from "node:test";

import { escapeHtml, render } from "../src/markup.js";

test("markup in a text is shown, not obeyed", () => {
  assert.equal(escapeHtml('<b> & "q"'), "&lt;b&gt; &amp; &quot;q&quot;");
  assert.equal(render("a <script>"), "<p>a &lt;script&gt;</p>");
});

test("a line of hashes is a heading of that level", () => {
  assert.equal(render("## Usage"), "<h2>Usage</h2>");
});

test("blank lines separate paragraphs", () => {
  assert.equal(render("one\ntwo\n\nthree"), "<p>one two</p>\n<p>three</p>");
});

test("stars emphasise", () => {
  assert.equal(render("so *very* small"), "<p>so <em>very</em> small</p>");
});
