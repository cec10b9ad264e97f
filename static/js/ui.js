// Theme, keyboard, dialogs, harmless double submits. Everything works without it, more slowly.
(function () {
  "use strict";
  var root = document.documentElement;

  function keep(key, value) {
    try {
      if (value) localStorage.setItem(key, value);
      else localStorage.removeItem(key);
    } catch (error) {
      // Storage is closed: the choice lasts for this page.
    }
  }

  function setting(name, value) {
    if (value && value !== "system" && value !== "dense") root.dataset[name] = value;
    else delete root.dataset[name];
    keep(name, root.dataset[name]);
    mark();
  }

  function mark() {
    document.querySelectorAll("[data-set-theme]").forEach(function (node) {
      node.setAttribute("aria-pressed", String((root.dataset.theme || "system") === node.dataset.setTheme));
    });
    document.querySelectorAll("[data-set-density]").forEach(function (node) {
      node.setAttribute("aria-pressed", String((root.dataset.density || "dense") === node.dataset.setDensity));
    });
  }

  // All of a name, or none where all are chosen; the button says which, and beside it stands how many are.
  function boxesOf(name) {
    return Array.from(document.querySelectorAll("input[type=checkbox][name=" + name + "]"));
  }
  function choose(name) {
    var boxes = boxesOf(name);
    var every = boxes.every(function (box) { return box.checked; });
    boxes.forEach(function (box) { box.checked = !every; });
    count();
  }
  function say(node, words) {
    if (node.textContent !== words) node.textContent = words;
  }
  function count() {
    document.querySelectorAll("[data-chooses]").forEach(function (button) {
      var boxes = boxesOf(button.dataset.chooses);
      var every = boxes.length > 0 && boxes.every(function (box) { return box.checked; });
      say(button, every ? "Choose none" : "Choose all " + boxes.length);
    });
    document.querySelectorAll("[data-counts]").forEach(function (node) {
      var boxes = boxesOf(node.dataset.counts);
      var chosen = boxes.filter(function (box) { return box.checked; }).length;
      say(node, (chosen || "none") + " of " + boxes.length + " chosen");
    });
  }
  document.addEventListener("change", count);
  document.addEventListener("htmx:afterSettle", count);
  window.addEventListener("pageshow", count);
  count();

  // Where the browser gives no clipboard (a page without TLS, a refusal) the words are marked for its own copying.
  function copy(words, node) {
    function done() { node.textContent = "Copied"; }
    function mark() {
      var range = document.createRange();
      range.selectNodeContents(words);
      window.getSelection().removeAllRanges();
      window.getSelection().addRange(range);
      node.textContent = "Marked: copy it yourself";
    }
    if (navigator.clipboard) navigator.clipboard.writeText(words.textContent).then(done, mark);
    else mark();
  }

  document.addEventListener("click", function (event) {
    var node = event.target.closest("[data-set-theme], [data-set-density], [data-opens], [data-closes], [data-dismiss], [data-copies], [data-chooses]");
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      if (!menu.contains(event.target)) menu.open = false;
    });
    if (!node) return;
    if (node.dataset.copies) {
      var words = document.querySelector("#" + CSS.escape(node.dataset.copies) + " .copy");
      if (words) copy(words, node);
    }
    if (node.dataset.chooses) choose(node.dataset.chooses);
    if (node.dataset.setTheme) setting("theme", node.dataset.setTheme);
    if (node.dataset.setDensity) setting("density", node.dataset.setDensity);
    if (node.dataset.opens) {
      var dialog = document.getElementById(node.dataset.opens);
      if (dialog && dialog.showModal) {
        event.preventDefault();
        dialog.showModal();
      }
    }
    if ("closes" in node.dataset) node.closest("dialog").close();
    if ("dismiss" in node.dataset) drop(node.closest(".note-item"));
  });

  // Notes lie over the end of the page: it is as much longer, so that nothing is out of reach beneath them.
  var notes = document.getElementById("notes");
  function makeRoom() {
    if (notes) document.body.style.setProperty("--notes-room", notes.offsetHeight + "px");
  }
  function drop(note) {
    note.remove();
    makeRoom();
  }
  window.addEventListener("resize", makeRoom);
  makeRoom();

  // Good news leaves by itself, once nobody is at it any more; what went wrong stays until it is closed.
  var STAYS_MS = 8000, STAYS_AFTER_MS = 4000, FADES_MS = 200;
  var still = window.matchMedia("(prefers-reduced-motion: reduce)");
  function fade(note) {
    if (still.matches) {
      drop(note);
      return;
    }
    note.classList.add("leaving");
    setTimeout(function () { drop(note); }, FADES_MS);
  }
  document.querySelectorAll(".note-item[data-leaves]").forEach(function (note) {
    var timer;
    function stay(ms) {
      clearTimeout(timer);
      timer = setTimeout(function () {
        if (document.hidden || note.matches(":hover, :focus-within")) stay(STAYS_AFTER_MS);
        else fade(note);
      }, ms);
    }
    ["pointerleave", "focusout"].forEach(function (name) {
      note.addEventListener(name, function () { stay(STAYS_AFTER_MS); });
    });
    stay(STAYS_MS);
  });

  // A form that is on its way cannot be sent again.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.method === "dialog" || form.matches("[role=search]")) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    setTimeout(function () {
      form.querySelectorAll("button:not([type=button])").forEach(function (button) { button.disabled = true; });
    }, 0);
  });
  function release(scope) {
    (scope || document).querySelectorAll("form[data-sent]").forEach(function (form) {
      delete form.dataset.sent;
      form.querySelectorAll("button[disabled]").forEach(function (button) { button.disabled = false; });
    });
  }
  window.addEventListener("pageshow", function () { release(); });
  document.addEventListener("htmx:afterRequest", function () { release(); });

  // Whoever acknowledges a row by keyboard goes on with the next one, or with the heading where none is left.
  var left = null;
  function leave(row) {
    if (row) left = Array.from(row.parentNode.children).indexOf(row);
  }
  // A form on its way disables its button, which takes the focus from it before anything is swapped.
  document.addEventListener("submit", function (event) { leave(event.target.closest(".needs > li")); }, true);
  document.addEventListener("htmx:beforeSwap", function (event) {
    var active = document.activeElement;
    if (active && event.detail.target.contains(active)) leave(active.closest(".needs > li"));
  });
  document.addEventListener("htmx:afterSettle", function () {
    if (left === null) return;
    var from = left;
    left = null;
    if (document.activeElement && document.activeElement !== document.body) return;
    var all = Array.from(document.querySelectorAll(".needs > li"));
    var next = all.slice(from).concat(all.slice(0, from).reverse()).map(function (row) { return row.querySelector("form button"); }).find(Boolean);
    var heading = document.getElementById("needs-h") || document.querySelector("h1");
    if (!next && heading) heading.tabIndex = -1;
    if (next || heading) (next || heading).focus();
  });

  // A table wider than its place says so, and can be scrolled by keys where nothing in it takes the focus.
  function measure() {
    document.querySelectorAll(".scroll").forEach(function (box) {
      var over = box.scrollWidth > box.clientWidth + 1;
      box.classList.toggle("over", over);
      if (over && !box.querySelector("a[href], button, input, select, textarea, summary")) {
        var caption = box.querySelector("caption");
        box.tabIndex = 0;
        box.setAttribute("role", "group");
        if (caption) box.setAttribute("aria-label", caption.textContent.trim());
      } else {
        ["tabindex", "role", "aria-label"].forEach(function (name) { box.removeAttribute(name); });
      }
    });
  }
  window.addEventListener("resize", measure);
  document.addEventListener("toggle", measure, true);
  document.addEventListener("htmx:afterSettle", measure);
  measure();

  // Filters apply when changed.
  document.addEventListener("change", function (event) {
    var form = event.target.closest("form[data-auto]");
    if (form) form.requestSubmit();
  });

  function rows() {
    return Array.from(document.querySelectorAll("tr[data-row]")).filter(function (row) { return row.offsetParent; });
  }
  function step(by) {
    var all = rows();
    if (!all.length) return;
    var at = all.findIndex(function (row) { return row.getAttribute("aria-selected") === "true"; });
    var next = all[Math.max(0, Math.min(all.length - 1, at + by))];
    all.forEach(function (row) { row.removeAttribute("aria-selected"); });
    next.setAttribute("aria-selected", "true");
    var link = next.querySelector("a");
    if (link) link.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }

  var pending = "";
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, dialog")) return;
    var key = event.key;
    if (pending === "g") {
      pending = "";
      var link = document.querySelector('[data-go="' + CSS.escape(key) + '"]');
      if (link) location.assign(link.href);
      return;
    }
    if (key === "g") {
      pending = "g";
      setTimeout(function () { pending = ""; }, 1200);
    } else if (key === "/") {
      var box = document.getElementById("command");
      if (box) {
        event.preventDefault();
        box.focus();
        box.select();
      }
    } else if (key === "?") {
      var keys = document.getElementById("keys");
      if (keys) keys.showModal();
    } else if (key === "j") step(1);
    else if (key === "k") step(-1);
  });

  document.querySelectorAll("dialog[data-open-now]").forEach(function (dialog) { dialog.showModal(); });
  var errors = document.querySelector(".errors[role=alert]");
  if (errors && !document.querySelector("[autofocus]")) errors.focus();
  mark();
})();
