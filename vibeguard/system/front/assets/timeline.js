// The timeline of a run: who held which slot when, who waited, and the chain that decided how long it took.
(() => {
  const { data, checks, make, seconds, startOf, show, rows } = page;
  const section = document.getElementById("timeline");
  if (!section) return;
  const SVG = "http://www.w3.org/2000/svg";
  const LANE = 22, GAP = 3, TOP = 22, QUEUE = 30, BAND = 16, THIN = 1;
  const POOLS = ["slot", "background", "worker"];
  const poolOfLane = data.slots.flatMap((slots, pool) => Array(slots).fill(pool));
  const firstOf = pool => data.slots.slice(0, pool).reduce((sum, slots) => sum + slots, 0);
  const laneOf = (check, span) => firstOf(check.pool) + span[0] - 1;
  const y = lane => TOP + QUEUE + lane * (LANE + GAP) + BAND * (poolOfLane[lane] || 0);
  const height = y(poolOfLane.length - 1) + LANE + 4;
  const dependents = checks.map(() => []);
  checks.forEach((check, n) => check.needs.forEach(m => dependents[m].push(n)));
  const perLane = poolOfLane.map(() => []);
  checks.forEach((check, n) => check.spans.forEach(span => perLane[laneOf(check, span)].push([span[1], span[2], n])));
  perLane.forEach(lane => lane.sort((a, b) => a[0] - b[0]));

  const chart = make("div", { className: "chart" });
  chart.style.minHeight = height + "px";
  const legend = make("p", { className: "legend" });
  legend.setAttribute("aria-live", "polite");
  section.append(chart, legend);
  let width = 0, left = 92, bars, overlay;
  const x = t => left + t / data.length * (width - left - 1);

  function draw(parent, name, attributes, text) {
    const element = document.createElementNS(SVG, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    if (text) element.textContent = text;
    parent.append(element);
    return element;
  }
  function step() {
    const least = data.length / Math.max(3, (width - left) / 110);
    const s = least / 1e6;
    if (s >= 10) return ([10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200]
      .find(k => k >= s) || Math.ceil(s / 86400) * 86400) * 1e6;
    const power = 10 ** Math.floor(Math.log10(least));
    return Math.max([1, 2, 5, 10].map(k => k * power).find(k => k >= least), 1);
  }
  function axis(svg) {
    for (let t = 0, by = step(); t <= data.length; t += by) {
      draw(svg, "line", { class: "grid", x1: x(t), x2: x(t), y1: TOP - 6, y2: height });
      if (x(t) < width - 34) draw(svg, "text", { x: x(t) + 4, y: 13 }, t ? seconds(t) : "0s");
    }
  }
  // How many checks were ready and had no slot: apart from what ran, since they took none.
  function queue(svg) {
    const changes = [];
    checks.forEach((check, n) => {
      const begun = startOf(n);
      if (check.ready === null || begun === Infinity || begun - check.ready < data.length / 1e4) return;
      changes.push([check.ready, 1], [begun, -1]);
    });
    changes.sort((a, b) => a[0] - b[0]);
    let most = 0, now = 0;
    changes.forEach(([, by]) => { now += by; most = Math.max(most, now); });
    draw(svg, "text", { x: 0, y: TOP + 8 }, "waiting");
    draw(svg, "text", { x: 0, y: TOP + 22 }, most ? `\u2264 ${most}` : "0");
    if (!most) return;
    const floor = TOP + QUEUE - 8;
    let path = `M${left} ${floor}`;
    now = 0;
    for (const [t, by] of changes) {
      now += by;
      path += `H${x(t).toFixed(1)}V${(floor - now / most * (QUEUE - 10)).toFixed(1)}`;
    }
    draw(svg, "path", { class: "queue", d: path + `V${floor}Z` });
  }
  function slots(svg) {
    poolOfLane.forEach((pool, lane) => {
      draw(svg, "rect", { class: "lane " + POOLS[pool], x: left, width: width - left, y: y(lane), height: LANE, rx: 3 });
      draw(svg, "text", { x: 0, y: y(lane) + 15 }, `${POOLS[pool]} ${lane - firstOf(pool) + 1}`);
    });
  }
  const box = (from, to, lane, room) => {
    const x1 = x(from), w = Math.max(x(to) - x1 - room, THIN);
    return `M${x1.toFixed(1)} ${y(lane) + 1}h${w.toFixed(1)}v${LANE - 2}h${(-w).toFixed(1)}z`;
  };
  // A path for all bars of one outcome: ten thousand bars are a few elements.
  function attempts(svg) {
    const paths = new Map(), labels = [];
    const add = (name, d) => paths.set(name, (paths.get(name) || "") + d);
    checks.forEach((check, n) => check.spans.forEach((span, k) => {
      const [, start, end, cut] = span, lane = laneOf(check, span);
      const last = k === check.spans.length - 1;
      const name = last ? check.word : "retried";
      add("bar " + name, box(start, end, lane, 1));
      if (cut !== null) add("tail", box(cut, end, lane, 1));
      const room = Math.floor((x(end) - x(start) - 10) / 7.2);
      if (room > 3) labels.push([name, x(start) + 6, y(lane) + 15, last ? check.id : check.id + " (retried)", room]);
    }));
    bars = draw(svg, "g", {});
    const order = name => name === "tail" ? 2 : /failed|timeout|error/.test(name) ? 1 : 0;
    [...paths].sort((a, b) => order(a[0]) - order(b[0])).forEach(([name, d]) => draw(bars, "path", { class: name, d }));
    labels.forEach(([name, at, line, text, room]) => draw(bars, "text", { class: "in " + name, x: at, y: line },
      text.length > room ? text.slice(0, room - 1) + "\u2026" : text));
  }
  function edge(n, last) {
    const spans = checks[n].spans, span = last ? spans[spans.length - 1] : spans[0];
    return [x(span[last ? 2 : 1]), y(laneOf(checks[n], span)) + LANE / 2];
  }
  function link(from, to) {
    const [x1, y1] = edge(from, true), [x2, y2] = edge(to, false);
    const bend = Math.max(8, Math.abs(x2 - x1) / 2);
    return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  }
  const ran = n => checks[n].spans.length > 0;
  const outline = n => checks[n].spans.map(span => box(span[1], span[2], laneOf(checks[n], span), 1)).join("");
  const several = list => list.length
    ? list.slice(0, 8).map(n => checks[n].id).join(", ") + (list.length > 8 ? ` and ${list.length - 8} more` : "") : "nothing";
  let near = [];
  function focus(n) {
    near.forEach(row => row.classList.remove("near"));
    near = [];
    overlay.replaceChildren();
    bars.classList.toggle("far", n !== null && ran(n));
    if (n === null) {
      const path = data.path.filter(ran);
      draw(overlay, "path", { class: "critical", d: path.map(outline).join("") });
      draw(overlay, "path", { class: "critical link", d: path.slice(1).map((m, k) => link(path[k], m)).join("") });
      legend.textContent = "Outlined: the critical path. Hatched: told to end. Point at a bar, or move to a check, for what it needs and what needs it.";
      return;
    }
    const check = checks[n], needs = check.needs, needed = dependents[n];
    if (ran(n)) {
      [n, ...needs, ...needed].forEach(m => draw(overlay, "path", { class: "bar " + checks[m].word, d: outline(m) }));
      draw(overlay, "path", { class: "own", d: outline(n) });
      draw(overlay, "path", { class: "link", d: [...needs.filter(ran).map(m => link(m, n)), ...needed.filter(ran).map(m => link(n, m))].join("") });
      if (check.ready !== null) draw(overlay, "rect", { class: "wait", x: x(check.ready),
        width: Math.max(x(startOf(n)) - x(check.ready), 1), y: TOP + QUEUE - 8, height: 4 });
    }
    near = [...needs, ...needed].map(m => rows.get(m)).filter(Boolean);
    near.forEach(row => row.classList.add("near"));
    const waited = ran(n) && check.ready !== null ? startOf(n) - check.ready : 0;
    legend.textContent = `${check.id}: ${check.word}` + (ran(n) ? `, ran ${seconds(check.took)}, waited ${seconds(waited)}` : "")
      + (check.spans.length > 1 ? `, ${check.spans.length} attempts` : "")
      + `. Needs ${several(needs)}. Needed by ${several(needed)}.`;
  }
  function paint() {
    width = Math.max(240, Math.floor(chart.clientWidth));
    left = width < 500 ? 84 : 100;
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("height", height);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", "What ran when, by slot. The lists hold the same in words.");
    const hatch = draw(draw(svg, "defs", {}), "pattern", { id: "hatch", width: 6, height: 6,
      patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
    draw(hatch, "rect", { width: 2.5, height: 6, class: "hatch" });
    slots(svg);
    axis(svg);
    queue(svg);
    attempts(svg);
    if (data.foreground !== null && data.foreground < data.length * .98 && data.slots[1]) {
      const at = x(data.foreground), after = at < width - 110;
      draw(svg, "line", { class: "mark", x1: at, x2: at, y1: TOP - 6, y2: height });
      draw(svg, "text", { x: after ? at + 5 : at - 5, y: y(data.slots[0]) - 5, "text-anchor": after ? "start" : "end" }, "foreground done");
    }
    overlay = draw(svg, "g", {});
    chart.replaceChildren(svg);
    focus(null);
  }
  // Which bar is under the pointer: the one there, else the nearest within three pixels.
  function under(event) {
    const bounds = chart.getBoundingClientRect();
    const px = event.clientX - bounds.left, py = event.clientY - bounds.top;
    const lane = poolOfLane.findIndex((_, k) => py >= y(k) && py <= y(k) + LANE);
    if (lane < 0 || px < left) return null;
    let best = null, least = 3;
    for (const [start, end, n] of perLane[lane]) {
      const away = Math.max(x(start) - px, px - x(end), 0);
      if (away < least) [best, least] = [n, away];
      if (x(start) - px > least) break;
    }
    return best;
  }
  chart.addEventListener("pointermove", event => {
    const n = under(event);
    chart.classList.toggle("hit", n !== null);
    focus(n);
  });
  chart.addEventListener("pointerleave", () => focus(null));
  chart.addEventListener("click", event => {
    const n = under(event);
    if (n !== null) show(n);
  });
  document.addEventListener("focusin", event => {
    const row = event.target.closest?.(".check");
    if (row && !overlay) paint();
    if (overlay) focus(row ? +row.id.slice(1) : null);
  });
  const seen = new IntersectionObserver(entries => {
    if (!entries.some(entry => entry.isIntersecting)) return;
    seen.disconnect();
    new ResizeObserver(() => Math.abs(chart.clientWidth - width) > 1 && paint()).observe(chart);
  }, { rootMargin: "600px" });
  seen.observe(section);
  addEventListener("beforeprint", () => overlay || paint());
})();
