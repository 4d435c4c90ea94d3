// Which part of the recording is visible: moved by keys, buttons, the slider below the chart and the chart itself.
(function () {
  const SHORTEST = 0.5; // s

  function limit(view, start, span) {
    span = Math.min(Math.max(span, SHORTEST), Math.max(view.seconds, SHORTEST));
    start = Math.min(Math.max(start, 0), Math.max(view.seconds - span, 0));
    const pixels = Math.max(200, Math.min(window.innerWidth, 1600) - 90);
    if (start === view.start && span === view.span && pixels === view.pixels) return window.dash_clientside.no_update;
    return {...view, start: start, span: span, pixels: pixels};
  }

  function zoom(view, factor) {
    return limit(view, view.start + (view.span * (1 - factor)) / 2, view.span * factor);
  }

  const MOVES = {
    ArrowLeft: (view) => limit(view, view.start - view.span / 4, view.span),
    ArrowRight: (view) => limit(view, view.start + view.span / 4, view.span),
    ArrowUp: (view) => zoom(view, 0.5),
    ArrowDown: (view) => zoom(view, 2),
    Home: (view) => limit(view, 0, view.span),
    End: (view) => limit(view, view.seconds, view.span),
  };
  const BUTTONS = {left: "ArrowLeft", right: "ArrowRight", closer: "ArrowUp", wider: "ArrowDown"};

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    view: {
      move: function (key, left, right, closer, wider, position, dragged, view) {
        const changed = window.dash_clientside.callback_context.triggered.map((each) => each.prop_id.split(".")[0]);
        const keep = window.dash_clientside.no_update;
        if (!view || !changed.length) return keep;
        if (changed[0] === "key" && key) return key.name in MOVES ? MOVES[key.name](view) : keep;
        if (changed[0] in BUTTONS) return MOVES[BUTTONS[changed[0]]](view);
        if (changed[0] === "position") return limit(view, position, view.span);
        if (dragged && "xaxis.range[0]" in dragged)
          return limit(view, dragged["xaxis.range[0]"], dragged["xaxis.range[1]"] - dragged["xaxis.range[0]"]);
        return keep;
      },
      choose: function (key, names, chosen) {
        const step = key ? {n: 1, p: -1}[key.name] : undefined;
        if (!step) return window.dash_clientside.no_update;
        const next = names.findIndex((each) => (each.value ?? each) === chosen) + step;
        return next in names ? names[next].value ?? names[next] : window.dash_clientside.no_update;
      },
    },
  });

  document.addEventListener("keydown", function (event) {
    const isTyping = event.target.closest("input, textarea, [role=slider], [role=listbox], .dash-dropdown");
    const isOurs = event.key in MOVES || event.key === "n" || event.key === "p";
    if (isTyping || !isOurs || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    window.dash_clientside.set_props("key", {data: {name: event.key, at: performance.now()}});
  });
})();
