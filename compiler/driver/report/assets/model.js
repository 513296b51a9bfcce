"use strict";
/* What the data of a report say, in the state that the reader has brought the picture to.

   An id is "v7" for a value, "b3" for a box that is closed, "c3" for one that is open. */
function modelOf(data) {
  const { values, boxes, loops } = data;
  const byNumber = new Map(values.map((v) => [v.number, v]));
  const state = {
    open: boxes.map((b) => b.open),
    step: loops.map((loop) => Math.max(0, (Object.values(loop.steps)[0] || []).length - 1)),
    across: false,
    zoom: 1,
    numbers: true,
    selected: null,
    focus: null,
  };

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

  const told = (loop) => `${loops[loop].name} = ${stepOf(loop)}`;
  const around = (id) => chain(id[0] === "v" ? byNumber.get(indexOf(id)).box : boxes[indexOf(id)].parent);

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
      return [
        ["title", clip(b.label, 34)],
        ["small", `${kind[b.kind] || b.kind} · ${count} values ▸`],
      ];
    }
    const v = byNumber.get(indexOf(id));
    if (v.kind === "constant") return [["title", v.op]];
    const rows = [
      ["title", v.kind === "argument" ? v.name : `${v.name} = ${clip(v.op, 22)}`],
      ["small", v.type],
    ];
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
      for (const id of members[waiting.pop()])
        isBox(id) ? waiting.push(indexOf(id)) : found.push(indexOf(id));
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

  return {
    data,
    state,
    byNumber,
    isBox,
    indexOf,
    chain,
    around,
    inside,
    stepsOf,
    stepOf,
    told,
    at,
    taken,
    clip,
    visible,
    texts,
    numbersOf,
  };
}
