"use strict";
/* The buttons above the picture, the field that finds a value, a slider for each loop. */
function addControls(model, html, { draw, scale, show, reveal }) {
  const { data, state, stepsOf, stepOf } = model;
  const { values, boxes, loops } = data;
  const $ = (id) => document.getElementById(id);
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
      const row = html(
        "div",
        { class: "loop" },
        html(
          "label",
          { for: "loop" + k },
          `${loop.name === "step" ? "" : "step "}${loop.name} of line ${loop.line}`,
        ),
        range,
        output,
      );
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
        output.textContent = steps.length
          ? `${loop.name} = ${stepOf(k)}, of ${loop.count[outer]} steps`
          : "no step";
        range.setAttribute("aria-valuetext", output.textContent);
      };
    });
    update();
  }
  const update = () => loops.forEach((loop) => loop.update && loop.update());

  /* On paper the table takes the place of what a click shows, unless it is very long. */
  const table = document.querySelector("details.all");
  const opened = table.open;
  window.addEventListener("beforeprint", () => (table.open = opened || values.length <= 200));
  window.addEventListener("afterprint", () => (table.open = opened));

  sliders();
}
