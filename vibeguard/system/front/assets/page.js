"use strict";
// Draws the timeline and wires the list. Foreign strings only ever become textContent.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const rows = data.checks.map((_, n) => document.getElementById("c" + n));
  const unpassed = [...document.querySelectorAll(".failures .check")];
  const dependents = data.checks.map(() => []);
  data.checks.forEach((check, n) => (check.needs || []).forEach(m => dependents[m].push(n)));

  function make(name, attributes = {}, text = "") {
    const element = document.createElement(name);
    Object.assign(element, attributes);
    if (text) element.textContent = text;
    return element;
  }

  function seconds(ns) {
    const s = ns / 1e9;
    if (s >= 3600) return Math.floor(s / 3600) + "h " + Math.round(s % 3600 / 60) + "m";
    if (s >= 60) return Math.floor(s / 60) + "m " + Math.round(s % 60) + "s";
    return s >= 1 ? +s.toFixed(1) + "s" : Math.round(s * 1000) + "ms";
  }

  // ---- list: filter, sort, group -------------------------------------------------------------
  const lists = [...document.querySelectorAll("ul.checks")].map(list => ({
    list, section: list.closest("section"), order: [...list.children].map(row => +row.id.slice(1)),
  }));
  const texts = [];
  const textOf = n => texts[n] ??= rows[n].textContent.toLowerCase();
  const tools = make("div", { className: "tools" });
  tools.setAttribute("role", "search");
  const search = make("input", { type: "search", placeholder: "Filter by text ( / )" });
  search.setAttribute("aria-label", "Filter by text");
  const count = make("output");

  function choice(label, options) {
    const box = make("label", {}, label + " "), select = make("select");
    options.forEach(([value, text]) => select.append(make("option", { value }, text)));
    box.append(select);
    select.addEventListener("change", arrange);
    return [box, select];
  }
  const words = new Map(), tags = new Map();
  data.checks.forEach(check => {
    words.set(check.word, (words.get(check.word) || 0) + 1);
    (check.tags || []).forEach(tag => tags.set(tag, (tags.get(tag) || 0) + 1));
  });
  const counted = map => [["", "all"], ...[...map].map(([key, n]) => [key, `${key} (${n})`])];
  const [wordBox, word] = choice("outcome", counted(words));
  const [tagBox, tag] = choice("tag", counted(tags));
  const [sortBox, sort] = choice("sort", [
    ["", "as planned"], ["time", "longest first"], ["start", "by start"], ["name", "by name"]]);
  const [groupBox, group] = choice("group", [["", "no"], ["tag", "by tag"]]);
  tools.append(search, wordBox);
  if (tags.size) tools.append(tagBox);
  tools.append(sortBox);
  if (tags.size) tools.append(groupBox);
  if (unpassed.length > 1) {
    const button = make("button", { type: "button" }, "Next failure (n)");
    button.addEventListener("click", () => jump(1));
    tools.append(button);
  }
  tools.append(count);
  count.setAttribute("aria-live", "polite");

  const startOf = n => data.checks[n].spans?.[0]?.[1] ?? Infinity;
  const orders = {
    time: (a, b) => (data.checks[b].ns || 0) - (data.checks[a].ns || 0),
    start: (a, b) => startOf(a) - startOf(b) || a - b,
    name: (a, b) => data.checks[a].id < data.checks[b].id ? -1 : 1,
  };
  function matches(n, wanted) {
    const check = data.checks[n];
    return (!word.value || check.word === word.value)
      && (!tag.value || (check.tags || []).includes(tag.value))
      && (!wanted || textOf(n).includes(wanted));
  }
  // Ten thousand rows at once are slow to lay out: the rest comes when it is asked for.
  let most = 500;
  function arrange() {
    const wanted = search.value.trim().toLowerCase();
    let fitting = 0;
    for (const { list, section, order } of lists) {
      const fits = order.filter(n => matches(n, wanted));
      if (sort.value) fits.sort(orders[sort.value]);
      place(list, fits);
      section.hidden = !fits.length;
      fitting += fits.length;
    }
    count.textContent = fitting === rows.length ? "" : `${fitting} of ${rows.length}`;
  }
  function place(list, members) {
    const parts = new Map(group.value ? [] : [["", members]]);
    if (group.value) for (const n of members) {
      const key = data.checks[n].tags?.[0] || "without a tag";
      if (!parts.has(key)) parts.set(key, []);
      parts.get(key).push(n);
    }
    const all = document.createDocumentFragment();
    let left = most;
    for (const [key, each] of parts) {
      if (left <= 0) break;
      if (key) all.append(make("li", { className: "group" }, key));
      each.slice(0, left).forEach(n => all.append(rows[n]));
      left -= each.length;
    }
    if (members.length > most) {
      const item = make("li", { className: "tools" });
      const button = make("button", { type: "button" }, `Show all ${members.length}`);
      button.addEventListener("click", showAll);
      item.append(button);
      all.append(item);
    }
    list.replaceChildren(all);
  }
  function showAll() {
    most = Infinity;
    arrange();
  }
  addEventListener("beforeprint", () => most < rows.length && showAll());
  let soon = 0;
  search.addEventListener("input", () => {
    cancelAnimationFrame(soon);
    soon = requestAnimationFrame(arrange);
  });
  if (rows.length > 1) document.querySelector("header").after(tools);
  if (rows.length > most) arrange();

  // ---- keys ----------------------------------------------------------------------------------
  function show(row) {
    if (!row.isConnected) {
      [search, word, tag].forEach(each => { each.value = ""; });
      showAll();
    }
    row.firstElementChild.open = true;
    row.querySelector("summary").focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }
  function jump(step) {
    const visible = [...document.querySelectorAll(".failures .check:not([hidden])")];
    if (!visible.length) return;
    const now = visible.indexOf(document.activeElement.closest?.(".check"));
    show(visible[now < 0 ? (step > 0 ? 0 : visible.length - 1)
      : (now + step + visible.length) % visible.length]);
  }
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && event.target === search) {
      search.value = "";
      arrange();
      search.blur();
    }
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    if (event.key === "n" || event.key === "j") jump(1);
    else if (event.key === "p" || event.key === "k") jump(-1);
    else if (event.key === "/") search.focus();
    else return;
    event.preventDefault();
  });

  // ---- timeline ------------------------------------------------------------------------------
  const section = document.getElementById("timeline");
  if (!data.checks.some(check => check.spans?.length)) return;
  section.hidden = false;
  const chart = make("div", { className: "chart" });
  const legend = make("p", { className: "legend" });
  legend.setAttribute("aria-live", "polite");
  section.append(chart, legend);
  const SVG = "http://www.w3.org/2000/svg";
  const LEFT = 92, LANE = 20, GAP = 4, TOP = 20, QUEUE = 26;
  let width = 0, bars = [], overlay, queueTop;
  const POOLS = ["slot", "background", "worker"];
  const poolOfLane = data.slots.flatMap((count, pool) => Array(count).fill(pool));
  const firstOf = pool => data.slots.slice(0, pool).reduce((sum, count) => sum + count, 0);
  const lanes = poolOfLane.length;
  const x = t => LEFT + t / data.length * (width - LEFT - 8);
  const laneOf = (check, span) => firstOf(check.pool || 0) + span[0] - 1;
  const y = lane => TOP + QUEUE + 8 + lane * (LANE + GAP) + 8 * (poolOfLane[lane] || 0);

  function draw(parent, name, attributes, text) {
    const element = document.createElementNS(SVG, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    if (text) element.textContent = text;
    parent.append(element);
    return element;
  }
  function step() {
    const least = data.length / Math.max(2, (width - LEFT) / 90);
    const power = 10 ** Math.floor(Math.log10(least));
    const nice = [1, 2, 5, 10].map(k => k * power).find(k => k >= least);
    const s = least / 1e9;
    return s < 10 ? nice : ([10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200]
      .find(k => k >= s) || Math.ceil(s / 86400) * 86400) * 1e9;
  }
  function axis(svg, height) {
    for (let t = 0; t <= data.length; t += step()) {
      draw(svg, "line", { class: "grid", x1: x(t), x2: x(t), y1: TOP - 4, y2: height });
      if (x(t) < width - 30) draw(svg, "text", { x: x(t) + 3, y: 12 }, t ? seconds(t) : "0s");
    }
  }
  // How many checks were ready and had no slot: apart from what ran, since they took none.
  function queue(svg) {
    const changes = [];
    data.checks.forEach((check, n) => {
      const begun = startOf(n);
      if (check.ready === undefined || begun === Infinity || begun - check.ready < data.length / 1e4) return;
      changes.push([check.ready, 1], [begun, -1]);
    });
    changes.sort((a, b) => a[0] - b[0]);
    let most = 0, now = 0;
    changes.forEach(([, by]) => { now += by; most = Math.max(most, now); });
    queueTop = TOP + 2;
    draw(svg, "text", { x: 0, y: queueTop + 16 }, most ? `waiting (\u2264 ${most})` : "waiting: 0");
    if (!most) return;
    const floor = queueTop + QUEUE - 4;
    let path = `M${LEFT} ${floor}`;
    now = 0;
    for (const [t, by] of changes) {
      path += `H${x(t).toFixed(1)}`;
      now += by;
      path += `V${(floor - now / most * (QUEUE - 6)).toFixed(1)}`;
    }
    draw(svg, "path", { class: "queue", d: path + `V${floor}Z` });
  }
  function slots(svg) {
    for (let lane = 0; lane < lanes; lane++) {
      const pool = poolOfLane[lane];
      const name = `${POOLS[pool]} ${lane - firstOf(pool) + 1}`;
      draw(svg, "rect", { class: "lane" + (pool ? " background" : ""),
        x: LEFT, width: width - LEFT - 8, y: y(lane), height: LANE });
      draw(svg, "text", { x: 0, y: y(lane) + 14 }, name);
    }
  }
  function attempts(svg) {
    bars = data.checks.map(() => []);
    data.checks.forEach((check, n) => (check.spans || []).forEach((span, k) => {
      const [, start, end, cut] = span;
      const last = k === check.spans.length - 1;
      const box = { x: x(start), y: y(laneOf(check, span)) + 1,
        width: Math.max(x(end) - x(start) - .5, 1), height: LANE - 2 };
      const bar = draw(svg, "rect", { ...box, rx: 2, class: "bar " + (last ? check.word : "retried"), "data-n": n });
      bars[n].push(bar);
      if (cut != null) draw(svg, "rect", { ...box, x: x(cut), width: Math.max(x(end) - x(cut), 1), class: "tail" });
      const room = Math.floor((box.width - 8) / 6.4);
      const label = check.id + (last ? "" : " (retried)");
      if (room > 2 && data.checks.length < 3000) draw(svg, "text", { class: "in", x: box.x + 4, y: box.y + 13 },
        label.length > room ? label.slice(0, room - 1) + "\u2026" : label);
    }));
  }
  const edge = (n, last) => {
    const spans = data.checks[n].spans;
    const span = last ? spans[spans.length - 1] : spans[0];
    return [x(span[last ? 2 : 1]), y(laneOf(data.checks[n], span)) + LANE / 2];
  };
  function link(from, to, name) {
    const [x1, y1] = edge(from, true), [x2, y2] = edge(to, false);
    const bend = Math.max(8, Math.abs(x2 - x1) / 2);
    draw(overlay, "path", { class: name, d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}` });
  }
  function critical() {
    data.path.forEach((n, k) => {
      const check = data.checks[n];
      (check.spans || []).forEach(span => draw(overlay, "rect", { class: "critical", rx: 2,
        x: x(span[1]), width: Math.max(x(span[2]) - x(span[1]), 2), y: y(laneOf(check, span)), height: LANE }));
      if (k) link(data.path[k - 1], n, "critical");
    });
  }
  const ran = n => data.checks[n].spans?.length;
  const several = (list, none) => list.length
    ? list.slice(0, 8).map(n => data.checks[n].id).join(", ") + (list.length > 8 ? ` and ${list.length - 8} more` : "") : none;
  let near = [];
  function focus(n) {
    near.forEach(row => row.classList.remove("near"));
    near = [];
    overlay.replaceChildren();
    chart.querySelectorAll(".far").forEach(bar => bar.classList.remove("far"));
    if (n === null) {
      critical();
      legend.textContent = "Outlined: the critical path. Hatched: told to end. Point at a bar, or move to a check below, for what it needs and what needs it.";
      return;
    }
    const check = data.checks[n], needs = check.needs || [], needed = dependents[n];
    const related = new Set([n, ...needs, ...needed]);
    if (ran(n)) {
      if (data.checks.length < 3000) bars.forEach((own, m) => related.has(m) || own.forEach(bar => bar.classList.add("far")));
      needs.filter(ran).forEach(m => link(m, n, "link"));
      needed.filter(ran).forEach(m => link(n, m, "link"));
      if (check.ready !== undefined) draw(overlay, "rect", { class: "own", x: x(check.ready),
        width: Math.max(x(startOf(n)) - x(check.ready), 1), y: queueTop + QUEUE - 4, height: 4 });
    }
    near = [...needs, ...needed].map(m => rows[m]);
    near.forEach(row => row.classList.add("near"));
    const waited = ran(n) && check.ready !== undefined ? startOf(n) - check.ready : 0;
    legend.textContent = `${check.id}: ${check.word}` + (ran(n) ? `, ran ${seconds(check.ns || 0)}, waited ${seconds(waited)}` : "")
      + (check.spans?.length > 1 ? `, ${check.spans.length} attempts` : "")
      + `. Needs: ${several(needs, "nothing")}. Needed by: ${several(needed, "nothing")}.`;
  }
  function paint() {
    width = Math.max(280, Math.floor(chart.clientWidth - 18));
    const height = y(lanes - 1) + LANE + 6;
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", "What ran when, by slot. The lists hold the same in words.");
    const hatch = draw(draw(svg, "defs", {}), "pattern", { id: "hatch", width: 6, height: 6,
      patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
    draw(hatch, "rect", { width: 3, height: 6, fill: "#000", "fill-opacity": .55 });
    slots(svg);
    axis(svg, height);
    queue(svg);
    attempts(svg);
    if (data.foreground != null && data.slots[1]) {
      draw(svg, "line", { class: "mark", x1: x(data.foreground), x2: x(data.foreground), y1: TOP, y2: height });
      draw(svg, "text", { x: Math.min(x(data.foreground) + 3, width - 95), y: y(data.slots[0] - 1) + LANE + 9, class: "said" }, "foreground done");
    }
    overlay = draw(svg, "g", {});
    chart.replaceChildren(svg);
    focus(null);
  }
  const numberOf = target => target.dataset?.n ?? target.closest?.(".check")?.id.slice(1);
  function follow(event) {
    const n = numberOf(event.target);
    if (n !== undefined) focus(+n);
    else if (near.length || overlay.querySelector(".own,.link") || chart.querySelector(".far")) focus(null);
  }
  chart.addEventListener("pointerover", follow);
  chart.addEventListener("pointerleave", () => focus(null));
  document.addEventListener("focusin", follow);
  chart.addEventListener("click", event => {
    if (event.target.dataset.n !== undefined) show(rows[+event.target.dataset.n]);
  });
  paint();
  new ResizeObserver(() => {
    if (Math.abs(chart.clientWidth - 18 - width) > 1 && chart.clientWidth > 300) paint();
  }).observe(chart);
})();
