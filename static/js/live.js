// The live line: the socket says what changed, the page's own elements refetch themselves.
(function () {
  "use strict";
  var body = document.body;
  var badge = document.getElementById("live-badge");
  if (!badge || !body.dataset.ticketUrl) return;
  var POLL_MS = 30000;
  // As of when the page was made: what happened since then, it asks for.
  var lastSeq = body.dataset.seq ? Number(body.dataset.seq) : null;
  var attempt = 0;
  var poll = null;

  function show(state, words) {
    badge.dataset.state = state;
    badge.textContent = words;
  }

  function fire(name, detail) {
    body.dispatchEvent(new CustomEvent(name, { detail: detail || {} }));
  }

  function down() {
    show("down", "not live, checking every 30 s");
    if (!poll) poll = setInterval(function () { fire("live.refetch"); }, POLL_MS);
    var wait = Math.min(60000, 1000 * Math.pow(2, attempt)) * (0.5 + Math.random() / 2);
    attempt += 1;
    setTimeout(connect, wait);
  }

  function up() {
    if (poll) clearInterval(poll);
    poll = null;
    attempt = 0;
    show("live", "live");
  }

  function receive(event) {
    var frame;
    try {
      frame = JSON.parse(event.data);
    } catch (error) {
      return;
    }
    if (typeof frame.seq === "number") lastSeq = frame.seq;
    if (frame.type === "ready") {
      up();
    } else if (frame.type === "refetch_all") {
      up();
      fire("live.refetch");
    } else if (frame.type) {
      fire(frame.type, frame);
      if (frame.id) fire(frame.type + ":" + frame.id, frame);
    }
  }

  function open(ticket) {
    var base = body.dataset.wsUrl || (location.protocol === "https:" ? "wss://" : "ws://") + location.host;
    var socket = new WebSocket(base.replace(/\/$/, "") + "/ws/live/");
    socket.addEventListener("open", function () {
      socket.send(JSON.stringify({ ticket: ticket, last_seq: lastSeq }));
    });
    socket.addEventListener("message", receive);
    socket.addEventListener("close", down);
  }

  function connect() {
    fetch(body.dataset.ticketUrl, {
      method: "POST",
      headers: { "X-CSRFToken": body.dataset.csrf, Accept: "application/json" },
      credentials: "same-origin",
    })
      .then(function (answer) {
        if (!answer.ok) throw new Error("no ticket");
        return answer.json();
      })
      .then(function (answer) { open(answer.ticket); })
      .catch(down);
  }

  // A changed live value flashes once.
  var before = {};
  function values() {
    var found = {};
    document.querySelectorAll("[data-live]").forEach(function (node) {
      found[node.dataset.live] = node.textContent.trim();
    });
    return found;
  }
  document.addEventListener("htmx:beforeSwap", function () { before = values(); });
  document.addEventListener("htmx:afterSettle", function () {
    document.querySelectorAll("[data-live]").forEach(function (node) {
      var old = before[node.dataset.live];
      if (old === undefined || old === node.textContent.trim()) return;
      node.classList.remove("flash");
      void node.offsetWidth;
      node.classList.add("flash");
    });
  });

  // Nothing is swapped away under a person's hands: what changed meanwhile is fetched when they are done.
  var waiting = {};
  function changed(field) {
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.tagName !== "SELECT") return field.value !== field.defaultValue;
    var options = Array.from(field.options);
    var first = Math.max(0, options.findIndex(function (option) { return option.defaultSelected; }));
    return field.selectedIndex !== first;
  }
  // What is carried over into the news (below) need not hold it back.
  function keeps(field) {
    return field.closest("[data-keeps]") && (field.closest("[data-keep][id]") || field.matches("[type=checkbox][id][form]"));
  }
  function busy(node) {
    var active = document.activeElement;
    if (node.querySelector("dialog[open], .errors[role=alert]")) return true;
    return Array.from(node.querySelectorAll("input, select, textarea")).some(function (field) {
      return !keeps(field) && (field === active || changed(field));
    });
  }
  function waits(event) {
    var cause = event.detail.requestConfig && event.detail.requestConfig.triggeringEvent;
    if (!cause || cause.target !== body || !busy(event.detail.elt)) return false;
    waiting[cause.type] = true;
    return true;
  }
  // What lies in a larger part that fetches itself for the same reason comes with it, unless hands hold that one back.
  // Where it is under way already for something older, it asks once more.
  function covered(event) {
    var cause = event.detail.requestConfig && event.detail.requestConfig.triggeringEvent;
    if (!cause || cause.target !== body) return false;
    var name = cause.type.split(":")[0];
    var around = event.detail.elt.parentElement.closest("[hx-get][hx-trigger*='" + name + " from']");
    return Boolean(around) && !busy(around);
  }
  document.addEventListener("htmx:beforeRequest", function (event) {
    if (covered(event) || waits(event)) event.preventDefault();
  });
  // An answer may come when the hands have begun.
  document.addEventListener("htmx:beforeSwap", function (event) {
    if (waits(event)) event.detail.shouldSwap = false;
    else if (event.detail.shouldSwap) keep(event);
  });

  // News changes figures, not what a person did with the page: fold-outs stay as they were put, and the focus where it
  // was. What has no id is known by its place in the nearest part that has one.
  var kept = null;
  function placeOf(node, kind) {
    var around = node.id ? node : node.parentElement.closest("[id]") || body;
    return { id: around.id, kind: kind, at: node.id ? -1 : Array.from(around.querySelectorAll(kind)).indexOf(node) };
  }
  function placed(place) {
    var around = place.id ? document.getElementById(place.id) : body;
    return around && (place.at < 0 ? around : around.querySelectorAll(place.kind)[place.at]);
  }
  // In a part that `keeps`, what is ticked stays ticked, and an input that somebody is at stays in its whole form: the
  // version that was seen goes with the price that is typed.
  function inUse(unit) {
    var fields = Array.from(unit.querySelectorAll("input:not([type=hidden]), select, textarea"));
    return fields.some(function (field) {
      return field === document.activeElement || field.matches("[aria-invalid=true]") || changed(field);
    });
  }
  function keep(event) {
    var target = event.detail.target, active = document.activeElement;
    var cause = event.detail.requestConfig && event.detail.requestConfig.triggeringEvent;
    var isNews = Boolean(cause) && cause.target === body;
    var within = target.closest("[data-keeps]");
    kept = { folds: [], ticks: {}, units: [], focus: null, caret: null };
    if (within) {
      target.querySelectorAll("input[type=checkbox][id][form]").forEach(function (box) {
        kept.ticks[box.id] = box.checked;
      });
    }
    if (!isNews) return;
    target.querySelectorAll("details:not(.menu)").forEach(function (fold) {
      kept.folds.push({ place: placeOf(fold, "details:not(.menu)"), open: fold.open });
    });
    if (active && active !== body && target.contains(active)) {
      kept.focus = placeOf(active, active.tagName.toLowerCase());
      if (active.matches("input:not([type]), input[type=text], textarea")) {
        kept.caret = [active.selectionStart, active.selectionEnd];
      }
    }
    // Out of the page before it is swapped, so that it keeps what listens to it.
    if (within) {
      target.querySelectorAll("[data-keep][id]").forEach(function (unit) {
        if (!inUse(unit)) return;
        kept.units.push(unit);
        unit.remove();
      });
    }
  }
  document.addEventListener("htmx:afterSwap", function () {
    var was = kept;
    kept = null;
    if (!was) return;
    was.units.forEach(function (unit) {
      var fresh = document.getElementById(unit.id);
      if (fresh) fresh.replaceWith(unit);
    });
    was.folds.forEach(function (fold) {
      var now = placed(fold.place);
      if (now) now.open = fold.open;
    });
    Object.keys(was.ticks).forEach(function (id) {
      var box = document.getElementById(id);
      if (box) box.checked = was.ticks[id];
    });
    var focus = was.focus && placed(was.focus);
    if (!focus || focus === document.activeElement) return;
    focus.focus({ preventScroll: true });
    if (was.caret && focus.setSelectionRange) focus.setSelectionRange(was.caret[0], was.caret[1]);
  });
  function resume() {
    setTimeout(function () {
      var names = Object.keys(waiting);
      waiting = {};
      names.forEach(function (name) { fire(name); });
    }, 300);
  }
  document.addEventListener("focusout", resume);
  document.addEventListener("close", resume, true);

  connect();
})();
