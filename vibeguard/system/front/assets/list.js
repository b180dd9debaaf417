"use strict";
// The list of a run: rows are drawn where they are looked at, filtered, sorted, grouped, walked by key.
// Foreign strings only ever become textContent.
const page = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const fields = ["id", "word", "took", "why", "pool", "tags", "needs", "ready", "spans", "more"];
  const checks = data.checks.map(values => {
    const check = Object.fromEntries(fields.map((field, n) => [field, values[n]]));
    check.word = data.words[check.word];
    check.tags = check.tags.map(tag => data.tags[tag]);
    return check;
  });
  const cards = [...document.querySelectorAll(".cards > .check")];
  const rows = new Map(cards.map(card => [+card.id.slice(1), card]));
  const rest = document.getElementById("rest");
  const CHUNK = 100;
  let rowHeight = 37;

  function make(name, properties = {}, ...children) {
    const element = document.createElement(name);
    Object.assign(element, properties);
    element.append(...children);
    return element;
  }

  function seconds(us) {
    const s = us / 1e6;
    if (s >= 3600) return `${Math.floor(s / 3600)}h ${Math.floor(s % 3600 / 60)}m`;
    if (s >= 60) return `${Math.floor(s / 60)}m ${Math.floor(s % 60)}s`;
    return s >= 1 ? +s.toFixed(1) + "s" : Math.round(s * 1000) + "ms";
  }

  // ---- a row ----------------------------------------------------------------------------------
  const pathOf = path => path.startsWith("/") ? path : data.folder + path;
  function fill(row, check) {
    const list = make("dl");
    for (const [label, text] of check.more) {
      const shown = label === "full output" ? pathOf(text) : text;
      const lines = label === "output" || text.includes("\n") || text.length > 160;
      const body = make("dd", {}, make(lines ? "pre" : "code", { textContent: shown }));
      list.append(make("div", {}, make("dt", { textContent: label }), body));
    }
    row.firstElementChild.append(list);
  }
  function rowOf(n) {
    if (rows.has(n)) return rows.get(n);
    const check = checks[n];
    const part = (className, textContent) => make("span", { className, textContent });
    const took = check.took === null ? "" : seconds(check.took);
    const summary = make("summary", {}, part("word", check.word), part("name", check.id),
      part("why", check.why), part("time", took));
    const details = make("details", {}, summary);
    const row = make("li", { className: "check " + check.word, id: "c" + n }, details);
    details.addEventListener("toggle", () => fill(row, check), { once: true });
    rows.set(n, row);
    return row;
  }

  // ---- chunks of rows: empty and of about the right height until they come near ------------------
  const members = new WeakMap();
  const nearby = new IntersectionObserver(entries => entries.forEach(entry => {
    if (entry.isIntersecting) draw(entry.target);
  }), { rootMargin: "1200px" });
  function chunk(list) {
    const element = make("ul", { className: "rows" });
    members.set(element, list);
    element.style.minHeight = list.length * rowHeight + "px";
    nearby.observe(element);
    return element;
  }
  function draw(element) {
    nearby.unobserve(element);
    if (element.firstChild) return;
    element.append(...members.get(element).map(rowOf));
    element.style.minHeight = "";
  }
  const chunks = () => rest ? [...rest.querySelectorAll("ul.rows")] : [];

  // ---- tools ----------------------------------------------------------------------------------
  const tools = make("div", { className: "tools" });
  tools.setAttribute("role", "search");
  const search = make("input", { type: "search", placeholder: "Filter  ( / )" });
  search.setAttribute("aria-label", "Filter by text");
  const count = make("output");
  count.setAttribute("aria-live", "polite");
  function choice(label, options) {
    const select = make("select");
    select.setAttribute("aria-label", label);
    options.forEach(([value, textContent]) => select.append(make("option", { value, textContent })));
    select.addEventListener("change", arrange);
    return select;
  }
  const tagged = new Map();
  checks.forEach(check => check.tags.forEach(tag => tagged.set(tag, (tagged.get(tag) || 0) + 1)));
  const tag = choice("Tag", [["", "Tag"], ...[...tagged].map(([key, n]) => [key, `${key} (${n})`])]);
  const sort = choice("Sort", [["", "Sort"], ["time", "Longest first"],
    ["start", "By start"], ["name", "By name"]]);
  const group = choice("Group", [["", "Group"], ["tag", "By tag"], ["word", "By outcome"]]);
  tools.append(search, ...(tagged.size ? [tag] : []), sort, group);
  if (cards.length > 1) {
    const next = make("button", { type: "button", textContent: "Next failure (n)" });
    next.addEventListener("click", () => jump(1));
    tools.append(next);
  }
  tools.append(count);
  const chosen = new Set();
  document.querySelectorAll(".tally li").forEach(item => {
    const button = make("button", { type: "button" }, ...item.childNodes);
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      const word = item.className, on = !chosen.has(word);
      chosen[on ? "add" : "delete"](word);
      button.setAttribute("aria-pressed", String(on));
      arrange();
    });
    item.append(button);
  });

  // ---- what is shown, in which order ------------------------------------------------------------
  const startOf = n => checks[n].spans[0]?.[1] ?? Infinity;
  const orders = {
    time: (a, b) => (checks[b].took ?? -1) - (checks[a].took ?? -1) || a - b,
    start: (a, b) => startOf(a) - startOf(b) || a - b,
    name: (a, b) => checks[a].id < checks[b].id ? -1 : 1,
  };
  const texts = [];
  function textOf(n) {
    const check = checks[n], card = cards.length && rows.get(n);
    return texts[n] ??= [check.id, check.word, check.why, ...check.tags, ...check.more.map(one => one[1]),
      card ? card.textContent : ""].join("\n").toLowerCase();
  }
  function matches(n, wanted) {
    return (!chosen.size || chosen.has(checks[n].word))
      && (!tag.value || checks[n].tags.includes(tag.value))
      && (!wanted || textOf(n).includes(wanted));
  }
  const cardOrder = cards.map(card => +card.id.slice(1));
  const inCards = new Set(cardOrder);
  const ranks = new Map([...document.querySelectorAll(".tally li")].map((item, n) => [item.className, n]));
  const restOrder = checks.map((_, n) => n).filter(n => !inCards.has(n))
    .sort((a, b) => ranks.get(checks[a].word) - ranks.get(checks[b].word) || a - b);
  function fitting(order) {
    const wanted = search.value.trim().toLowerCase();
    const fits = order.filter(n => matches(n, wanted));
    return sort.value ? fits.sort(orders[sort.value]) : fits;
  }
  function arrange() {
    const open = fitting(cardOrder), others = fitting(restOrder);
    if (cards.length) {
      const list = document.querySelector(".cards");
      list.replaceChildren(...open.map(n => rows.get(n)));
      list.parentElement.hidden = !open.length;
    }
    if (rest) {
      rest.querySelectorAll("ul, h3").forEach(each => { nearby.unobserve(each); each.remove(); });
      rest.append(...grouped(others));
      rest.hidden = !others.length;
      const first = chunks()[0];
      if (first) draw(first);
    }
    const shown = open.length + others.length;
    count.textContent = shown === checks.length ? "" : `${shown} of ${checks.length}`;
  }
  function grouped(list) {
    const parts = new Map(group.value ? [] : [["", list]]);
    if (group.value) for (const n of list) {
      const key = group.value === "word" ? checks[n].word : checks[n].tags[0] || "without a tag";
      if (!parts.has(key)) parts.set(key, []);
      parts.get(key).push(n);
    }
    const all = [];
    for (const [key, each] of parts) {
      if (key) all.push(make("h3", { textContent: `${key} (${each.length})` }));
      for (let at = 0; at < each.length; at += CHUNK) all.push(chunk(each.slice(at, at + CHUNK)));
    }
    return all;
  }

  // ---- keys -----------------------------------------------------------------------------------
  function reach(row, block = "nearest") {
    row.querySelector("summary").focus({ preventScroll: true });
    row.scrollIntoView({ block });
  }
  function show(n) {
    if (!rows.get(n)?.isConnected) {
      let home = chunks().find(each => members.get(each).includes(n));
      if (!home) {
        search.value = tag.value = "";
        chosen.clear();
        document.querySelectorAll(".tally button").forEach(each => each.setAttribute("aria-pressed", "false"));
        arrange();
        home = chunks().find(each => members.get(each).includes(n));
      }
      if (home) draw(home);
    }
    const row = rowOf(n);
    row.firstElementChild.open = true;
    reach(row, "center");
  }
  function step(list, by) {
    if (!list.length) return null;
    const now = list.indexOf(document.activeElement.closest?.(".check"));
    return list[now < 0 ? (by > 0 ? 0 : list.length - 1) : (now + by + list.length) % list.length];
  }
  function jump(by) {
    const card = step(cards.filter(each => each.isConnected), by);
    if (card) show(+card.id.slice(1));
  }
  function walk(by) {
    const row = step([...document.querySelectorAll(".check")], by);
    if (row) reach(row);
  }
  const keys = { n: () => jump(1), p: () => jump(-1), j: () => walk(1), k: () => walk(-1), "/": () => search.focus() };
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && event.target === search) {
      search.value = "";
      arrange();
      search.blur();
    }
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || !(event.key in keys)) return;
    keys[event.key]();
    event.preventDefault();
  });

  // ---- begin ----------------------------------------------------------------------------------
  let soon = 0;
  search.addEventListener("input", () => {
    cancelAnimationFrame(soon);
    soon = requestAnimationFrame(arrange);
  });
  addEventListener("beforeprint", () => chunks().forEach(draw));
  const command = document.querySelector(".command");
  if (command && navigator.clipboard) {
    const copy = make("button", { type: "button", textContent: "Copy" });
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(command.querySelector("code").textContent);
      copy.textContent = "Copied";
    });
    command.append(copy);
  }
  if (checks.length > 1) document.querySelector("header").after(tools);
  arrange();
  return { data, checks, make, seconds, startOf, show, rows };
})();
