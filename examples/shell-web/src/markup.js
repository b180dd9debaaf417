// A very small renderer: headings, paragraphs, emphasis. Everything else is text.

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** The text with the characters that mean something in HTML made harmless. */
export function escapeHtml(text) {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character]);
}

function inline(text) {
  return escapeHtml(text).replace(/\*([^*]+)\*/g, "<em>$1</em>");
}

function block(lines) {
  const heading = /^(#{1,6}) (.*)$/.exec(lines[0]);
  if (heading && lines.length === 1) {
    const level = heading[1].length;
    return `<h${level}>${inline(heading[2])}</h${level}>`;
  }
  return `<p>${inline(lines.join(" "))}</p>`;
}

/** HTML of a text whose blocks are separated by blank lines. */
export function render(text) {
  return text
    .split(/\n{2,}/)
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => block(part.split("\n")))
    .join("\n");
}
