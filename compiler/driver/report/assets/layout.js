"use strict";
/* Where boxes and lines go, by dagre.

   nodes    from ids to what has a width and a height
   lines    what has `from`, `to`, and a width and a height where it has a label
   chainOf  gives the open boxes around an id, the outermost first; 0 is the whole picture

   A small picture is laid out at once, so that lines between boxes are short. In a large one each box is laid
   out by itself, from the inside out: that takes time in proportion. */
function layOut(nodes, lines, chainOf, across, large) {
  const HEAD = 18; // above what is in a box, for its name
  const PAD = 7;
  const options = { rankdir: across ? "LR" : "TB", nodesep: 18, ranksep: 30, edgesep: 10 };

  function graphOf(compound) {
    const g = new dagre.graphlib.Graph({ compound, multigraph: true });
    g.setGraph({ ...options, marginx: compound ? 12 : PAD, marginy: compound ? 24 : PAD });
    return g;
  }

  function atOnce() {
    const g = graphOf(true);
    const clusters = new Set();
    nodes.forEach((size, id) => {
      g.setNode(id, size);
      chainOf(id).forEach((b) => b > 0 && clusters.add(b));
    });
    const inner = [...clusters].sort((a, b) => chainOf("c" + b).length - chainOf("c" + a).length);
    inner.forEach((b) => g.setNode("c" + b, { box: b }));
    [...nodes.keys(), ...inner.map((b) => "c" + b)].forEach((id) => {
      const around = chainOf(id);
      if (around[around.length - 1] > 0) g.setParent(id, "c" + around[around.length - 1]);
    });
    lines.forEach((line, k) =>
      g.setEdge(line.from, line.to, { ...line.label, line, labelpos: "c" }, String(k)),
    );
    dagre.layout(g);
    inner.forEach((b) => grow(g, "c" + b));
    return {
      width: g.graph().width,
      height: g.graph().height,
      nodes: new Map([...nodes.keys()].map((id) => [id, g.node(id)])),
      clusters: inner.reverse().map((b) => ({ ...g.node("c" + b), box: b })),
      edges: g.edges().map((e) => g.edge(e)),
    };
  }

  function grow(g, id) {
    const place = g.node(id);
    const inside = g.children(id).map((child) => g.node(child));
    const top =
      Math.min(place.y - place.height / 2, ...inside.map((n) => n.y - n.height / 2 - PAD)) - (HEAD - PAD);
    const bottom = Math.max(place.y + place.height / 2, ...inside.map((n) => n.y + n.height / 2 + PAD));
    Object.assign(place, { y: (top + bottom) / 2, height: bottom - top });
  }

  function boxByBox() {
    const graphs = new Map([[0, graphOf(false)]]);
    const ids = new Map(nodes);
    nodes.forEach((_, id) => chainOf(id).forEach((b) => b > 0 && ids.set("c" + b, {})));
    ids.forEach((_, id) => id[0] === "c" && graphs.set(Number(id.slice(1)), graphOf(false)));
    const depth = (b) => (b ? chainOf("c" + b).length : 0);
    const order = [...graphs.keys()].sort((a, b) => depth(b) - depth(a));
    const parent = (id) => chainOf(id)[chainOf(id).length - 1];
    nodes.forEach((size, id) => graphs.get(parent(id)).setNode(id, size));
    const routes = lines.map((line) => route(line, graphs));
    order.forEach((b) => {
      const g = graphs.get(b);
      dagre.layout(g);
      const { width, height } = g.graph();
      if (b) graphs.get(parent("c" + b)).setNode("c" + b, { box: b, width, height: height + HEAD - PAD });
    });
    return placed(graphs, order.reverse(), routes);
  }

  /* The innermost box with both ends of a line, and what in it holds each. */
  function route(line, graphs) {
    const [a, b] = [[...chainOf(line.from)], [...chainOf(line.to)]];
    let k = 0;
    while (k < a.length && k < b.length && a[k] === b[k]) k += 1;
    const start = k < a.length ? "c" + a[k] : line.from;
    const end = k < b.length ? "c" + b[k] : line.to;
    const inside = a[k - 1];
    graphs.get(inside).setEdge(start, end, {});
    return { line, inside, start, end };
  }

  function placed(graphs, order, routes) {
    const found = { nodes: new Map(), clusters: [], edges: [] };
    const offsets = new Map([[0, { x: 0, y: 0 }]]);
    order.forEach((b) => {
      const g = graphs.get(b);
      const { x, y } = offsets.get(b);
      g.nodes().forEach((id) => {
        const node = g.node(id);
        const place = { ...node, x: node.x + x, y: node.y + y };
        if (id[0] !== "c") return found.nodes.set(id, place);
        found.clusters.push(place);
        offsets.set(place.box, { x: place.x - place.width / 2, y: place.y - place.height / 2 + HEAD - PAD });
      });
    });
    routes.forEach(({ line, inside, start, end }) => {
      const { x, y } = offsets.get(inside);
      const points = graphs
        .get(inside)
        .edge(start, end)
        .points.map((p) => ({ x: p.x + x, y: p.y + y }));
      if (start !== line.from) points.unshift(side(found.nodes.get(line.from), 1));
      if (end !== line.to) points.push(side(found.nodes.get(line.to), -1));
      found.edges.push({ line, points, x: 0, y: 0 });
    });
    const { width, height } = graphs.get(0).graph();
    return { ...found, width, height };
  }

  const side = (n, way) =>
    across ? { x: n.x + (way * n.width) / 2, y: n.y } : { x: n.x, y: n.y + (way * n.height) / 2 };

  return large ? boxByBox() : atOnce();
}
