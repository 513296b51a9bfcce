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
    found.push(...places(v.lines));
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

  function places(lines) {
    if (!lines.length) return [];
    const parts = [];
    lines.forEach((line, k) =>
      parts.push(
        k ? ", " : lines.length > 1 ? "Lines " : "Line ",
        html("a", { href: "#s" + line, onclick: () => select("s" + line) }, String(line)),
      ),
    );
    const made = common(lines.map((line) => links[line] || []));
    if (made.length) parts.push(" · in the module ");
    const all = runs(made);
    all
      .slice(0, RUNS)
      .forEach(([first, last], k) =>
        parts.push(
          k ? ", " : "",
          html(
            "a",
            { href: "#m" + first, onclick: () => select("m" + first) },
            first === last ? String(first) : `${first}–${last}`,
          ),
        ),
      );
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
    numbers.forEach((n) =>
      found.length && found[found.length - 1][1] === n - 1
        ? (found[found.length - 1][1] = n)
        : found.push([n, n]),
    );
    return found;
  }

  return (id) => (id[0] === "v" ? ofValue(byNumber.get(indexOf(id))) : ofBox(indexOf(id)));
}
