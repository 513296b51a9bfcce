"use strict";
/* What stands beside the picture: all that is known of a value or of a box.

   act      opens, closes or chooses what has an id
   reveal   brings a value into sight
   select   lights up a line of the model or of the module */
function detailsOf(model, html, { act, reveal, select }) {
  const { data, state, byNumber, indexOf, inside, at, told } = model;
  const { boxes, links } = data;
  const RUNS = 8; // lines of the module that are listed
  const MEMBERS = 40; // values of a box

  function ofBox(box) {
    const b = boxes[box];
    const inner = inside(box);
    const list = html("ul", { class: "members" });
    inner.slice(0, MEMBERS).forEach((n) => list.append(html("li", {}, buttonTo(n))));
    if (inner.length > MEMBERS) list.append(html("li", {}, `and ${inner.length - MEMBERS} more`));
    const fold = html(
      "button",
      { type: "button", onclick: () => act((state.open[box] ? "c" : "b") + box) },
      state.open[box] ? "Fold" : "Unfold",
    );
    const lines = inner.length
      ? [...new Set(inner.flatMap((n) => byNumber.get(n).lines))].sort((a, b2) => a - b2)
      : [];
    return [
      html("h3", {}, html("code", {}, b.label)),
      html("p", {}, `${b.kind}, ${inner.length} values `, fold),
      ...places(lines),
      html("h4", {}, "Values in it"),
      list,
    ];
  }

  const buttonTo = (number) => {
    const v = byNumber.get(number);
    return html(
      "button",
      { type: "button", class: "link", onclick: () => reveal(number) },
      v.name ? `${v.name} = ${v.op}` : v.op,
    );
  };

  function ofValue(v) {
    const entry = at(v);
    const title = v.kind === "argument" || v.kind === "constant" ? v.name || v.op : `${v.name} = ${v.op}`;
    const loop = v.loops.length ? `; ${v.loops.map(told).join(", ")}` : "";
    const found = [html("h3", {}, html("code", {}, title)), html("p", {}, html("code", {}, v.type), loop)];
    if (v.text) found.push(html("p", {}, html("code", {}, v.text), v.file ? ` (${v.file})` : ""));
    if (!entry) {
      if (data.numbers)
        found.push(
          html(
            "p",
            { class: "note" },
            "Not computed here: the branch was not taken, or the loop took no such step.",
          ),
        );
      return found;
    }
    found.push(html("h4", { class: "value" }, "Value"), html("pre", { class: "value" }, entry.full));
    if (entry.gradient === undefined) {
      if (data.target) found.push(html("p", { class: "note" }, `No gradient comes here: ${reason(v)}.`));
      return found;
    }
    found.push(
      html("h4", { class: "gradient" }, `Gradient ∂${data.target}/∂${v.name || "·"}`),
      html("pre", { class: "gradient" }, entry.whole),
    );
    if (entry.parts.length > 1) found.push(...fork(entry));
    else if (entry.parts.length)
      found.push(
        html(
          "p",
          {},
          v.number === data.outputs[data.target]
            ? "Here the backward pass begins."
            : `It comes from ${entry.parts[0][0]}.`,
        ),
      );
    found.push(...back(v, entry));
    return found;
  }

  const reason = (v) =>
    v.type.startsWith("real")
      ? `${data.target} does not depend on it, or it depends on no argument by which ${data.target} is differentiated`
      : "only reals have one";

  function fork(entry) {
    const body = html("tbody", {});
    entry.parts.forEach(([from, part]) =>
      body.append(html("tr", {}, html("td", {}, from), html("td", { class: "number" }, part))),
    );
    body.append(
      html(
        "tr",
        { class: "total" },
        html("th", { scope: "row" }, "their sum"),
        html("td", { class: "number" }, entry.gradient),
      ),
    );
    return [
      html("h4", {}, "A fork: the gradients of its paths add up"),
      html("div", { class: "wide" }, html("table", {}, body)),
    ];
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
        const sum = local
          ? [
              html("span", { class: "gradient" }, entry.gradient),
              " × ",
              html("span", { class: "local" }, local),
              " = ",
            ]
          : ["= "];
        cell.append(
          html("div", { class: "number" }, ...sum, html("span", { class: "gradient" }, hand.product)),
        );
      } else cell.append(html("div", { class: "note" }, "not needed"));
      if (entry.taken && v.kind !== "choice") {
        const share = entry.share && entry.share[k];
        cell.append(
          html(
            "div",
            { class: entry.taken[k] ? "chosen" : "note" },
            entry.taken[k] ? `taken${share ? ` at ${share}` : ""}` : "not taken",
          ),
        );
      }
      rows.push(html("tr", {}, html("th", { scope: "row" }, buttonTo(o)), cell));
    });
    if (!rows.length) return [];
    const head = html(
      "thead",
      {},
      html(
        "tr",
        {},
        html("th", { scope: "col" }, "to"),
        html("th", { scope: "col" }, "upstream × local = downstream"),
      ),
    );
    return [
      html("h4", {}, "What it hands back"),
      html("div", { class: "wide" }, html("table", {}, head, html("tbody", {}, ...rows))),
    ];
  }

  /* The lines of the model, and what they became: those lines of the module that compute the value or its
     gradient, where it has a name there. */
  function places(lines, name, given) {
    const made = lines.length ? common(lines.map((line) => links[line] || [])) : [];
    const own = (assigned.get(name) || []).filter((n) => made.includes(n));
    const back = own.length || given ? assigned.get("d_" + name) || [] : [];
    const named = [...own, ...back].sort((a, b) => a - b);
    const found = lines.length
      ? [html("h4", {}, "In the model"), ...lines.map((line) => shown("s" + line))]
      : [];
    const byFunction = new Map();
    (named.length ? named : made).forEach((n) => {
      const own = functionOf(n);
      byFunction.set(own, [...(byFunction.get(own) || []), n]);
    });
    [...byFunction].forEach(([own, numbers], k) => {
      if (!k) found.push(html("h4", {}, "In the module: ", html("code", {}, own)));
      if (!k) found.push(...numbers.slice(0, RUNS).map((n) => shown("m" + n)));
      if (!k && numbers.length > RUNS)
        found.push(html("p", { class: "note" }, `and ${numbers.length - RUNS} lines more`));
      if (k)
        found.push(
          html("p", { class: "note" }, "also ", html("code", {}, own), ", ", link("m" + numbers[0])),
        );
    });
    return found;
  }
  const link = (id) =>
    html(
      "a",
      { href: "#" + id, onclick: () => select(id), "aria-label": `line ${id.slice(1)}` },
      id.slice(1),
    );
  const shown = (id) => html("div", { class: "emitted" }, link(id), " ", html("code", {}, textOf(id).trim()));
  const textOf = (id) => {
    const line = document.getElementById(id);
    return line ? line.textContent.slice(line.firstChild.textContent.length) : "";
  };
  /* The lines of the module that give a variable its value, or change it. */
  const assigned = new Map();
  document.querySelectorAll('.code li[id^="m"]').forEach((line) => {
    const text = textOf(line.id);
    const targets = /^\s*([\p{L}_][^=()]*?) [-+*/@]*= /u.exec(text);
    const written = [...text.matchAll(/\bout=([\p{L}\w]+)/gu)].map((found) => found[1]);
    const names = targets ? targets[1].split(", ").map((t) => t.replace(/[[:].*/u, "")) : [];
    [...new Set([...names, ...written])].forEach((name) =>
      assigned.set(name, [...(assigned.get(name) || []), Number(line.id.slice(1))]),
    );
  });
  function functionOf(n) {
    for (let k = n; k > 0; k--) {
      const head = /^def (\w+)/u.exec(textOf("m" + k));
      if (head) return head[1];
    }
    return "";
  }
  /* What all have in common (a call and the line in the function); what any has, where that is nothing. */
  function common(lists) {
    const shared = lists.reduce((a, b) => a.filter((n) => b.includes(n)));
    return [...new Set(shared.length ? shared : lists.flat())].sort((a, b) => a - b);
  }

  return (id) => {
    const v = byNumber.get(indexOf(id));
    return id[0] === "v"
      ? [...ofValue(v), ...places(v.lines, v.name, v.kind === "argument")]
      : ofBox(indexOf(id));
  };
}
