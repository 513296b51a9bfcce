"use strict";
/* The picture of a report: drawn from the data that stands in the page, laid out by dagre. */
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { values, boxes, loops, links } = data;
  const select = linkPanes(links);
  const byNumber = new Map(values.map((v) => [v.number, v]));
  const $ = (id) => document.getElementById(id);
  const stage = $("stage");
  const details = $("details");
  const SVG = "http://www.w3.org/2000/svg";
  const RUNS = 8; // lines of the module that are listed
  const MANY = 150; // boxes; above, lines have no numbers on them, and each box is laid out by itself
  const state = {
    open: boxes.map((b) => b.open),
    step: loops.map(() => 0),
    across: false,
    zoom: 1,
    numbers: true,
    selected: null,
    focus: null,
  };

  // --- where things are --------------------------------------------------------------------------

  const members = boxes.map(() => []);
  boxes.forEach((b, k) => b.parent >= 0 && members[b.parent].push("b" + k));
  values.forEach((v) => members[v.box].push("v" + v.number));
  const isBox = (id) => id[0] === "b";
  const indexOf = (id) => Number(id.slice(1));
  const chain = (box) => {
    const found = [];
    for (let b = box; b >= 0; b = boxes[b].parent) found.push(b);
    return found.reverse();
  };
  const shownAs = (number) => {
    const closed = chain(byNumber.get(number).box).find((b) => !state.open[b]);
    return closed === undefined ? "v" + number : "b" + closed;
  };
  const users = new Map(values.map((v) => [v.number, []]));
  values.forEach((v) => v.operands.forEach((o, k) => o >= 0 && users.get(o).push([v.number, k])));

  const stepsOf = (loop) => {
    const outer = loops[loop].around.map(stepOf).join(",");
    return loops[loop].steps[outer] || [];
  };
  const stepOf = (loop) => {
    const steps = stepsOf(loop);
    return steps[Math.min(state.step[loop], steps.length - 1)];
  };
  const keyOf = (v) => v.loops.map(stepOf).join(",");
  const at = (v) => v.at[keyOf(v)];
  const handed = (number, position) => {
    const v = byNumber.get(number);
    const source = byNumber.get(v.operands[position]);
    const entry = v.kind === "stack" ? v.at["row " + keyOf(source)] : at(v);
    return (entry && entry.hands && entry.hands[position]) || {};
  };
  const taken = (number, position) => {
    const entry = at(byNumber.get(number));
    return entry && entry.taken ? entry.taken[position] : null;
  };

  // --- the graph that is shown ---------------------------------------------------------------------

  function visible() {
    const nodes = new Set(values.map((v) => shownAs(v.number)));
    const lines = new Map();
    values.forEach((v) =>
      v.operands.forEach((o, k) => {
        if (o < 0) return;
        const [from, to] = [shownAs(o), shownAs(v.number)];
        if (from === to) return;
        const key = from + " " + to;
        if (!lines.has(key)) lines.set(key, { from, to, uses: [] });
        lines.get(key).uses.push([o, v.number, k]);
      }),
    );
    return { nodes, lines: [...lines.values()] };
  }

  function texts(id) {
    if (isBox(id)) {
      const b = boxes[indexOf(id)];
      const count = inside(indexOf(id)).length;
      const kind = { line: "line " + b.line, call: "call", loop: "loop, line " + b.line, side: "branch" };
      return [["title", clip(b.label, 34)], ["small", `${kind[b.kind] || b.kind} · ${count} values ▸`]];
    }
    const v = byNumber.get(indexOf(id));
    if (v.kind === "constant") return [["title", v.op]];
    const rows = [["title", v.kind === "argument" ? v.name : `${v.name} = ${clip(v.op, 22)}`], ["small", v.type]];
    const entry = at(v);
    if (entry && state.numbers && !users.get(v.number).length) rows.push(["value", entry.value]);
    if (entry && state.numbers && v.kind === "argument" && entry.gradient) {
      rows.push(["gradient", `∂${data.target}/∂${v.name}: ${entry.gradient}`]);
    }
    return rows;
  }
  const clip = (text, most) => (text.length > most ? text.slice(0, most - 1) + "…" : text);
  const inside = (box) => {
    const found = [];
    const waiting = [box];
    while (waiting.length) {
      for (const id of members[waiting.pop()]) isBox(id) ? waiting.push(indexOf(id)) : found.push(indexOf(id));
    }
    return found;
  };

  function numbersOf(line) {
    if (line.uses.length > 1 && line.uses.some((u) => u[0] !== line.uses[0][0])) {
      return [["count", `${new Set(line.uses.map((u) => u[0])).size} values`]];
    }
    const [o, user, k] = line.uses[0];
    const entry = at(byNumber.get(o));
    const rows = entry ? [["value", entry.value]] : [];
    if (line.uses.length > 1) return [...rows, ["count", `${line.uses.length} paths`]];
    const hand = handed(user, k);
    return hand.product ? [...rows, ["gradient", hand.product]] : rows;
  }

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
      const rows = texts(id);
      nodes.set(id, { width: width(rows, 13.5) + 22, height: 12 + 17 * rows.length, rows });
    });
    graph.lines.forEach((line) => {
      line.rows = state.numbers && !large ? numbersOf(line) : [];
      line.label = line.rows.length ? { width: width(line.rows, 12) + 6, height: 14 * line.rows.length } : {};
    });
    return layOut(nodes, graph.lines, around, state.across, large);
  }
  const around = (id) => chain(id[0] === "v" ? byNumber.get(indexOf(id)).box : boxes[indexOf(id)].parent);

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
    const graph = visible();
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
      const size = { viewBox: "0 0 10 10", refX: 9, refY: 5, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse" };
      const marker = make("marker", { id: "tip-" + kind, ...size, orient: "auto-start-reverse" }, defs);
      make("path", { d: "M0 0L10 5L0 10z", class: "tip " + kind }, marker);
    }
    found.clusters.forEach((place) => cluster(svg, place));
    found.edges.forEach((label) => edge(svg, label));
    graph.nodes.forEach((id) => node(svg, id, found.nodes.get(id)));
    const [w, h] = [Math.max(found.width, 1), Math.max(found.height, 1)];
    svg.setAttribute("viewBox", `0 0 ${w} ${h}`);
    drawn = { svg, width: w, height: h, graph };
    stage.replaceChildren(svg);
    scale();
    stage.scrollLeft = (stage.scrollWidth - stage.clientWidth) / 2;
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
    make("rect", { x: place.x - place.width / 2, y: place.y - place.height / 2, width: place.width, height: place.height, rx: 8 }, group);
    const head = make("g", { class: "head", tabindex: -1, role: "button", "data-id": id, "aria-expanded": "true", "aria-label": `${b.kind} ${b.label}: fold` }, group);
    const text = make("text", { x: place.x - place.width / 2 + 7, y: place.y - place.height / 2 + 13 }, head);
    text.textContent = "▾ " + clip(b.label + (b.loop >= 0 ? `, ${told(b.loop)}` : ""), Math.max(6, Math.floor(place.width / 7) - 2));
    make("title", {}, head).textContent = b.label;
    reacts(head, id);
  }
  const told = (loop) => `${loops[loop].name} = ${stepOf(loop)}`;
  const idle = (box) => (boxes[box].kind === "side" && !inside(box).some((n) => at(byNumber.get(n))) ? " idle" : "");

  function edge(svg, label) {
    const { line, points } = label;
    const { rows } = line;
    const states = line.uses.map(([, user, k]) => taken(user, k));
    const dead = line.uses.every(([o, user]) => !at(byNumber.get(o)) || !at(byNumber.get(user)));
    const kind = dead || states.every((s) => s === false) ? "idle" : states.some((s) => s === true) ? "taken" : "plain";
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
    const group = make("g", { class: `node ${kind}${off}${wrt}`, tabindex: -1, role: "button", "data-id": id, "aria-label": spoken(id) }, svg);
    if (!value) group.setAttribute("aria-expanded", "false");
    const [x, y] = [place.x - place.width / 2, place.y - place.height / 2];
    make("rect", { x, y, width: place.width, height: place.height, rx: value && value.kind === "constant" ? 12 : 5 }, group);
    place.rows.forEach(([what, text], k) => {
      make("text", { x: place.x, y: y + 19 + 17 * k, class: what, "text-anchor": "middle" }, group).textContent = text;
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

  function spoken(id) {
    if (isBox(id)) return `${boxes[indexOf(id)].kind} ${boxes[indexOf(id)].label}: unfold`;
    const v = byNumber.get(indexOf(id));
    const entry = at(v);
    const numbers = entry ? `, value ${entry.value}${entry.gradient ? `, gradient ${entry.gradient}` : ""}` : "";
    return `${v.name || v.op} = ${v.op}, ${v.type}${numbers}`;
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
    const along = drawn.graph.lines.filter((l) => (forward > 0 ? l.from : l.to) === id).map((l) => (forward > 0 ? l.to : l.from));
    const straight = (key === "ArrowDown" || key === "ArrowUp") !== state.across;
    const here = all.findIndex((e) => e.dataset.id === id);
    const target = straight && along.length ? find(along[0]) : all[(here + forward + all.length) % all.length];
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

  // --- beside the picture ------------------------------------------------------------------------------

  function show(id) {
    details.replaceChildren(...(id[0] === "v" ? told_of(byNumber.get(indexOf(id))) : told_of_box(indexOf(id))));
  }

  function told_of_box(box) {
    const b = boxes[box];
    const inner = inside(box);
    const list = html("ul", { class: "members" });
    inner.slice(0, 40).forEach((n) => list.append(html("li", {}, button_to(n))));
    if (inner.length > 40) list.append(html("li", {}, `and ${inner.length - 40} more`));
    const fold = html("button", { type: "button", onclick: () => act((state.open[box] ? "c" : "b") + box) }, state.open[box] ? "Fold" : "Unfold");
    const lines = inner.length ? [...new Set(inner.flatMap((n) => byNumber.get(n).lines))].sort((a, b2) => a - b2) : [];
    return [html("h3", {}, html("code", {}, b.label)), html("p", {}, `${b.kind}, ${inner.length} values `, fold), ...places(lines), html("h4", {}, "Values in it"), list];
  }

  const button_to = (number) => {
    const v = byNumber.get(number);
    return html("button", { type: "button", class: "link", onclick: () => reveal(number) }, v.name ? `${v.name} = ${v.op}` : v.op);
  };

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

  function told_of(v) {
    const entry = at(v);
    const title = v.kind === "argument" || v.kind === "constant" ? v.name || v.op : `${v.name} = ${v.op}`;
    const loop = v.loops.length ? `; ${v.loops.map(told).join(", ")}` : "";
    const found = [html("h3", {}, html("code", {}, title)), html("p", {}, html("code", {}, v.type), loop)];
    if (v.text) found.push(html("p", {}, html("code", {}, v.text), v.file ? ` (${v.file})` : ""));
    found.push(...places(v.lines));
    if (!entry) {
      if (data.numbers) found.push(html("p", { class: "note" }, "Not computed here: the branch was not taken, or the loop took no such step."));
      return found;
    }
    found.push(html("h4", { class: "value" }, "Value"), html("pre", { class: "value" }, entry.full));
    if (entry.gradient === undefined) {
      if (data.target) found.push(html("p", { class: "note" }, `No gradient comes here: ${reason(v)}.`));
      return found;
    }
    found.push(html("h4", { class: "gradient" }, `Gradient ∂${data.target}/∂${v.name || "·"}`), html("pre", { class: "gradient" }, entry.whole));
    if (entry.parts.length > 1) found.push(...fork(entry));
    else if (entry.parts.length) found.push(html("p", {}, v.number === data.outputs[data.target] ? "Here the backward pass begins." : `It comes from ${entry.parts[0][0]}.`));
    found.push(...back(v, entry));
    return found;
  }

  const reason = (v) => (v.type.startsWith("real") ? `${data.target} does not depend on it, or it depends on no argument by which ${data.target} is differentiated` : "only reals have one");

  function fork(entry) {
    const body = html("tbody", {});
    entry.parts.forEach(([from, part]) => body.append(html("tr", {}, html("td", {}, from), html("td", { class: "number" }, part))));
    body.append(html("tr", { class: "total" }, html("th", { scope: "row" }, "their sum"), html("td", { class: "number" }, entry.gradient)));
    return [html("h4", {}, "A fork: the gradients of its paths add up"), html("div", { class: "wide" }, html("table", {}, body))];
  }

  function back(v, entry) {
    const rows = [];
    v.operands.forEach((o, k) => {
      const hand = entry.hands[k] || {};
      if (o < 0 || (!hand.product && !v.rules[k])) return;
      const cell = html("td", {});
      if (v.rules[k]) cell.innerHTML = v.rules[k]; // MathML of the report's own
      if (hand.product) {
        const local = entry.local && entry.local[k];
        const sum = local ? [html("span", { class: "gradient" }, entry.gradient), " × ", html("span", { class: "local" }, local), " = "] : ["= "];
        cell.append(html("div", { class: "number" }, ...sum, html("span", { class: "gradient" }, hand.product)));
      } else cell.append(html("div", { class: "note" }, "not needed"));
      if (entry.taken && v.kind !== "choice") {
        const share = entry.share && entry.share[k];
        cell.append(html("div", { class: entry.taken[k] ? "chosen" : "note" }, entry.taken[k] ? `taken${share ? ` at ${share}` : ""}` : "not taken"));
      }
      rows.push(html("tr", {}, html("th", { scope: "row" }, button_to(o)), cell));
    });
    if (!rows.length) return [];
    const head = html("thead", {}, html("tr", {}, html("th", { scope: "col" }, "to"), html("th", { scope: "col" }, "upstream × local = downstream")));
    return [html("h4", {}, "What it hands back"), html("div", { class: "wide" }, html("table", {}, head, html("tbody", {}, ...rows)))];
  }

  function places(lines) {
    if (!lines.length) return [];
    const parts = [];
    lines.forEach((line, k) => parts.push(k ? ", " : lines.length > 1 ? "Lines " : "Line ", html("a", { href: "#s" + line, onclick: () => select("s" + line) }, String(line))));
    const made = common(lines.map((line) => links[line] || []));
    if (made.length) parts.push(" · in the module ");
    const all = runs(made);
    all.slice(0, RUNS).forEach(([first, last], k) => parts.push(k ? ", " : "", html("a", { href: "#m" + first, onclick: () => select("m" + first) }, first === last ? String(first) : `${first}–${last}`)));
    if (all.length > RUNS) parts.push(", …");
    return [html("p", { class: "places" }, ...parts)];
  }
  /* What all have in common (a call and the line in the function); what any has, where that is nothing. */
  function common(lists) {
    const shared = lists.reduce((a, b) => a.filter((n) => b.includes(n)));
    return [...new Set(shared.length ? shared : lists.flat())].sort((a, b) => a - b);
  }
  function runs(numbers) {
    const found = [];
    numbers.forEach((n) => (found.length && found[found.length - 1][1] === n - 1 ? (found[found.length - 1][1] = n) : found.push([n, n])));
    return found;
  }

  // --- controls ------------------------------------------------------------------------------------

  const on = (id, what, action) => $(id) && $(id).addEventListener(what, action);
  const all = (open) => {
    boxes.forEach((b, k) => (state.open[k] = k === 0 || open));
    draw();
  };
  on("unfold", "click", () => all(true));
  on("fold", "click", () => all(false));
  on("reset", "click", () => {
    boxes.forEach((b, k) => (state.open[k] = b.open));
    state.zoom = 1;
    draw();
  });
  on("turn", "click", () => {
    state.across = !state.across;
    $("turn").setAttribute("aria-pressed", state.across);
    draw();
  });
  on("numbers", "change", () => {
    state.numbers = $("numbers").checked;
    draw();
  });
  const zoom = (factor) => {
    state.zoom = Math.min(4, Math.max(0.1, state.zoom * factor));
    scale();
  };
  on("nearer", "click", () => zoom(1.25));
  on("farther", "click", () => zoom(0.8));
  on("search", "change", () => {
    const wanted = $("search").value.trim();
    const hit = values.find((v) => v.name === wanted) || values.find((v) => v.name.startsWith(wanted));
    if (wanted && hit) reveal(hit.number);
    $("search").setCustomValidity(wanted && !hit ? "no value of this name" : "");
    $("search").reportValidity();
  });

  function sliders() {
    const place = $("loops");
    loops.forEach((loop, k) => {
      if (!Object.keys(loop.steps).length) return;
      const range = html("input", { type: "range", min: 0, id: "loop" + k, step: 1 });
      const output = html("output", { for: "loop" + k });
      const row = html("div", { class: "loop" }, html("label", { for: "loop" + k }, `${loop.name === "step" ? "" : "step "}${loop.name} of line ${loop.line}`), range, output);
      range.addEventListener("input", () => {
        state.step[k] = Number(range.value);
        update();
        draw();
        show(state.selected || state.focus || "b0");
      });
      place.append(row);
      loop.update = () => {
        const steps = stepsOf(k);
        range.max = Math.max(0, steps.length - 1);
        range.disabled = steps.length < 2;
        range.value = Math.min(state.step[k], Math.max(0, steps.length - 1));
        const outer = loop.around.map(stepOf).join(",");
        output.textContent = steps.length ? `${loop.name} = ${stepOf(k)}, of ${loop.count[outer]} steps` : "no step";
        range.setAttribute("aria-valuetext", output.textContent);
      };
    });
    update();
  }
  const update = () => loops.forEach((loop) => loop.update && loop.update());

  let last = stage.clientWidth;
  window.addEventListener("resize", () => {
    if (stage.clientWidth !== last) scale();
    last = stage.clientWidth;
  });
  loops.forEach((loop, k) => {
    const steps = Object.values(loop.steps)[0] || [];
    state.step[k] = Math.max(0, steps.length - 1);
  });
  sliders();
  draw();
  const goal = data.target in data.outputs ? "v" + data.outputs[data.target] : null;
  if (goal && byNumber.has(indexOf(goal))) {
    state.selected = find(goal) ? goal : null;
    mark();
    show(goal);
  }
  document.documentElement.classList.add("ready");
})();
