"use strict";
/* Source and module side by side: a line and its partners light up together.

   links  from a line of the model to lines of the module */
function linkPanes(links) {
  const $ = (id) => document.getElementById(id);
  const reverse = new Map();
  for (const [line, made] of Object.entries(links)) {
    made.forEach((m) => reverse.set(m, [...(reverse.get(m) || []), Number(line)]));
  }
  const partners = (id) => {
    const number = Number(id.slice(1));
    return id[0] === "s"
      ? (links[number] || []).map((m) => "m" + m)
      : (reverse.get(number) || []).map((s) => "s" + s);
  };
  let chosen = null;

  function light(id) {
    document.querySelectorAll(".code .lit").forEach((e) => e.classList.remove("lit"));
    if (id) [id, ...partners(id)].forEach((p) => $(p) && $(p).classList.add("lit"));
  }

  function inView(element) {
    const pane = element.closest(".code");
    const place = element.offsetTop;
    if (place < pane.scrollTop || place + element.offsetHeight > pane.scrollTop + pane.clientHeight) {
      pane.scrollTop = place - pane.clientHeight / 3;
    }
  }

  function select(id) {
    const line = $(id);
    if (!line) return;
    chosen = id;
    light(id);
    [partners(id)[0], id].forEach((p) => p && inView($(p)));
    line
      .closest(".code")
      .querySelectorAll('[tabindex="0"]')
      .forEach((e) => e.setAttribute("tabindex", -1));
    line.setAttribute("tabindex", 0);
  }

  document.querySelectorAll(".code").forEach((pane) => {
    const linked = [...pane.querySelectorAll(".line.linked")];
    linked.forEach((line, k) => {
      line.setAttribute("tabindex", k ? -1 : 0);
      line.addEventListener("mouseenter", () => light(line.id));
      line.addEventListener("focus", () => light(line.id));
      line.addEventListener("click", () => select(line.id));
      line.addEventListener("keydown", (event) => {
        const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        const across = event.key === "ArrowRight" || event.key === "ArrowLeft";
        if (event.key === "Enter" || event.key === " ") select(line.id);
        else if (across && partners(line.id).length) $(partners(line.id)[0]).focus();
        else if (way) linked[Math.max(0, Math.min(linked.length - 1, k + way))].focus();
        else return;
        event.preventDefault();
      });
    });
    pane.addEventListener("mouseleave", () => light(chosen));
  });
  window.addEventListener(
    "hashchange",
    () => /^#[sm]\d+$/.test(location.hash) && select(location.hash.slice(1)),
  );
  if (/^#[sm]\d+$/.test(location.hash)) select(location.hash.slice(1));
  return select;
}
