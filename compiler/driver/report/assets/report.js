"use strict";
/* The picture of a report: drawn from the data that stands in the page, and what a reader does with it. */
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const { values, boxes, links } = data;
  const model = modelOf(data);
  const { state, byNumber, isBox, indexOf, chain, inside, told, at, taken, clip } = model;
  const stage = $("stage");
  const SVG = "http://www.w3.org/2000/svg";
  const MANY = 150; // boxes; above, lines have no numbers on them, and each box is laid out by itself
  const tell = detailsOf(model, html, { act, reveal, select: linkPanes(links) });
  const show = (id) => $("details").replaceChildren(...tell(id));

  const measure = document.createElement("canvas").getContext("2d");
  function width(rows, size) {
    const widths = rows.map(([what, text]) => {
      measure.font = `${what === "title" ? 600 : 400} ${size}px system-ui, sans-serif`;
      return measure.measureText(text).width;
    });
    return Math.max(...widths, 0);
  }

  function layout(graph) {
    const large = graph.nodes.size > MANY;
    const nodes = new Map();
    graph.nodes.forEach((id) => {
      const rows = model.texts(id);
      nodes.set(id, { width: width(rows, 13.5) + 22, height: 12 + 17 * rows.length, rows });
    });
    graph.lines.forEach((line) => {
      line.rows = state.numbers && !large ? model.numbersOf(line) : [];
      line.label = line.rows.length ? { width: width(line.rows, 12) + 6, height: 14 * line.rows.length } : {};
    });
    return layOut(nodes, graph.lines, model.around, state.across, large);
  }
  // --- drawing -------------------------------------------------------------------------------------

  function make(name, attributes, parent) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (parent) parent.appendChild(element);
    return element;
  }
  function html(name, attributes, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else element.setAttribute(key, value);
    }
    element.append(...children);
    return element;
  }

  let drawn = null;
  function draw() {
    const graph = model.visible();
    $("counted").textContent = `${graph.nodes.size} boxes for ${values.length} values`;
    if (graph.nodes.size <= MANY) return paint(graph);
    stage.setAttribute("aria-busy", "true");
    $("waiting").hidden = false;
    setTimeout(() => {
      paint(graph);
      stage.removeAttribute("aria-busy");
      $("waiting").hidden = true;
    }, 30);
  }

  function paint(graph) {
    const found = layout(graph);
    const svg = make("svg", { role: "group", "aria-label": "Computational graph", class: "picture" });
    const defs = make("defs", {}, svg);
    for (const kind of ["plain", "taken", "idle"]) {
      const size = {
        viewBox: "0 0 10 10",
        refX: 9,
        refY: 5,
        markerWidth: 9,
        markerHeight: 9,
        markerUnits: "userSpaceOnUse",
      };
      const marker = make("marker", { id: "tip-" + kind, ...size, orient: "auto-start-reverse" }, defs);
      make("path", { d: "M0 0L10 5L0 10z", class: "tip " + kind }, marker);
    }
    found.clusters.forEach((place) => cluster(svg, place));
    found.edges.forEach((label) => edge(svg, label));
    graph.nodes.forEach((id) => node(svg, id, found.nodes.get(id)));
    const [w, h] = [Math.max(found.width, 1), Math.max(found.height, 1)];
    svg.setAttribute("viewBox", `0 0 ${w} ${h}`);
    const [left, top] = [stage.scrollLeft, stage.scrollTop];
    const first = drawn === null;
    drawn = { svg, width: w, height: h, graph };
    stage.replaceChildren(svg);
    scale();
    stage.scrollTo(first ? (stage.scrollWidth - stage.clientWidth) / 2 : left, top);
    mark();
  }

  function scale() {
    if (!drawn) return;
    const room = stage.clientWidth - 4;
    const fit = Math.max(Math.min(1, room / drawn.width), 0.8);
    drawn.svg.setAttribute("width", drawn.width * fit * state.zoom);
    drawn.svg.setAttribute("height", drawn.height * fit * state.zoom);
  }

  function cluster(svg, place) {
    const id = "c" + place.box;
    const b = boxes[place.box];
    const group = make("g", { class: "cluster " + b.kind + idle(place.box) }, svg);
    make(
      "rect",
      {
        x: place.x - place.width / 2,
        y: place.y - place.height / 2,
        width: place.width,
        height: place.height,
        rx: 8,
      },
      group,
    );
    const room = Math.max(6, Math.floor(place.width / 7) - 2);
    const seen = `▾ ${clip(b.label + (b.loop >= 0 ? `, ${told(b.loop)}` : ""), room)}`;
    const spoken = { "aria-expanded": "true", "aria-label": `${seen}: fold ${b.kind} ${b.label}` };
    const head = make("g", { class: "head", tabindex: -1, role: "button", "data-id": id, ...spoken }, group);
    const [x, y] = [place.x - place.width / 2 + 7, place.y - place.height / 2 + 13];
    make("text", { x, y }, head).textContent = seen;
    reacts(head, id);
  }
  const idle = (box) =>
    boxes[box].kind === "side" && !inside(box).some((n) => at(byNumber.get(n))) ? " idle" : "";

  function edge(svg, label) {
    const { line, points } = label;
    const { rows } = line;
    const states = line.uses.map(([, user, k]) => taken(user, k));
    const dead = line.uses.every(([o, user]) => !at(byNumber.get(o)) || !at(byNumber.get(user)));
    const kind =
      dead || states.every((s) => s === false) ? "idle" : states.some((s) => s === true) ? "taken" : "plain";
    const group = make("g", { class: "edge " + kind, "data-from": line.from, "data-to": line.to }, svg);
    make("path", { d: curve(points), "marker-end": `url(#tip-${kind})` }, group);
    rows.forEach(([what, text], k) => {
      const y = label.y - 7 * rows.length + 14 * k + 11;
      make("text", { x: label.x, y, class: what, "text-anchor": "middle" }, group).textContent = text;
    });
  }

  /* Straight, with round corners: so a label stays where room was left for it. */
  function curve(points) {
    const RADIUS = 22;
    const toward = (from, to, share) => {
      const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
      const part = Math.min(RADIUS, length * share) / length;
      return `${from.x + part * (to.x - from.x)} ${from.y + part * (to.y - from.y)}`;
    };
    let d = `M${points[0].x} ${points[0].y}`;
    for (let k = 1; k < points.length - 1; k++) {
      const [a, corner, b] = points.slice(k - 1, k + 2);
      d += `L${toward(corner, a, 0.5)}Q${corner.x} ${corner.y} ${toward(corner, b, 0.5)}`;
    }
    const end = points[points.length - 1];
    return `${d}L${end.x} ${end.y}`;
  }

  function node(svg, id, place) {
    const value = isBox(id) ? null : byNumber.get(indexOf(id));
    const kind = value ? value.kind : "box " + boxes[indexOf(id)].kind;
    const off = value ? (at(value) || !data.numbers ? "" : " idle") : idle(indexOf(id));
    const wrt = value && value.kind === "argument" && data.wrt.includes(value.name) ? " wrt" : "";
    const group = make(
      "g",
      {
        class: `node ${kind}${off}${wrt}`,
        tabindex: -1,
        role: "button",
        "data-id": id,
        "aria-label": spoken(id, place.rows),
      },
      svg,
    );
    if (!value) group.setAttribute("aria-expanded", "false");
    const [x, y] = [place.x - place.width / 2, place.y - place.height / 2];
    make(
      "rect",
      { x, y, width: place.width, height: place.height, rx: value && value.kind === "constant" ? 12 : 5 },
      group,
    );
    place.rows.forEach(([what, text], k) => {
      const label = { x: place.x, y: y + 19 + 17 * k, class: what, "text-anchor": "middle" };
      make("text", label, group).textContent = text;
      group.append(" ");
    });
    const paths = value && at(value) && at(value).parts ? at(value).parts.length : 0;
    if (paths > 1) {
      const badge = make("g", { class: "fork" }, group);
      make("circle", { cx: x + place.width, cy: y, r: 8 }, badge);
      make("text", { x: x + place.width, y: y + 4, "text-anchor": "middle" }, badge).textContent = "Σ";
      make("title", {}, badge).textContent = "a fork: the gradients of its paths add up";
    }
    reacts(group, id);
  }

  function spoken(id, rows) {
    const seen = rows.map(([, text]) => text).join(" ");
    if (isBox(id)) return `${seen}: unfold ${boxes[indexOf(id)].label}`;
    const entry = at(byNumber.get(indexOf(id)));
    const fork = entry && entry.parts && entry.parts.length > 1 ? " Σ, a fork" : "";
    return `${seen}${fork}${entry ? `; value ${entry.value}${entry.gradient ? `, gradient ${entry.gradient}` : ""}` : ""}`;
  }

  // --- what the reader does --------------------------------------------------------------------------

  function reacts(element, id) {
    element.addEventListener("click", () => act(id));
    element.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") act(id);
      else if (!move(id, event.key)) return;
      event.preventDefault();
    });
    element.addEventListener("mouseenter", () => show(id));
    element.addEventListener("focus", () => {
      state.focus = id;
      show(id);
      tabStop();
    });
    element.addEventListener("mouseleave", () => state.selected && show(state.selected));
  }

  function act(id) {
    if (id[0] === "v") {
      state.selected = state.selected === id ? null : id;
      state.focus = id;
      mark();
      show(id);
      return;
    }
    const box = indexOf(id);
    state.open[box] = isBox(id);
    state.focus = isBox(id) ? "c" + box : "b" + box;
    draw();
    refocus();
  }

  const find = (id) => stage.querySelector(`[data-id="${id}"]`);
  function refocus() {
    const element = find(state.focus);
    if (element) element.focus({ preventScroll: false });
  }
  function tabStop() {
    stage.querySelectorAll('[tabindex="0"]').forEach((e) => e.setAttribute("tabindex", -1));
    const element = find(state.focus) || stage.querySelector("[data-id]");
    if (element) element.setAttribute("tabindex", 0);
  }

  function move(id, key) {
    const forward = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[key];
    if (key === "Escape") {
      state.selected = null;
      mark();
      return true;
    }
    if (!forward || !drawn) return false;
    const all = [...stage.querySelectorAll("[data-id]")];
    const along = drawn.graph.lines
      .filter((l) => (forward > 0 ? l.from : l.to) === id)
      .map((l) => (forward > 0 ? l.to : l.from));
    const straight = (key === "ArrowDown" || key === "ArrowUp") !== state.across;
    const here = all.findIndex((e) => e.dataset.id === id);
    const target =
      straight && along.length ? find(along[0]) : all[(here + forward + all.length) % all.length];
    target.focus();
    return true;
  }

  function mark() {
    stage.querySelectorAll(".selected, .near").forEach((e) => e.classList.remove("selected", "near"));
    if (state.selected) {
      const element = find(state.selected);
      if (element) element.classList.add("selected");
      stage.querySelectorAll(".edge").forEach((e) => {
        if (e.dataset.from === state.selected || e.dataset.to === state.selected) e.classList.add("near");
      });
    }
    tabStop();
  }

  function reveal(number) {
    chain(byNumber.get(number).box).forEach((b) => (state.open[b] = true));
    state.selected = state.focus = "v" + number;
    draw();
    const look = () => {
      const element = find(state.selected);
      if (element) element.scrollIntoView({ block: "center", inline: "center" });
      show("v" + number);
    };
    drawn && drawn.graph.nodes.size > MANY ? setTimeout(look, 60) : look();
  }

  addControls(model, html, { draw, scale, show, reveal });
  let last = stage.clientWidth;
  window.addEventListener("resize", () => {
    if (stage.clientWidth !== last) scale();
    last = stage.clientWidth;
  });
  draw();
  const goal = data.target in data.outputs ? "v" + data.outputs[data.target] : null;
  if (goal && byNumber.has(indexOf(goal))) {
    state.selected = find(goal) ? goal : null;
    mark();
    show(goal);
  }
  document.documentElement.classList.add("ready");
})();
