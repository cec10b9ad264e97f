// Sets the chosen theme and density before first paint.
(function () {
  "use strict";
  var root = document.documentElement;
  try {
    var theme = localStorage.getItem("theme");
    if (theme === "dark" || theme === "light") root.dataset.theme = theme;
    if (localStorage.getItem("density") === "comfortable") root.dataset.density = "comfortable";
  } catch (error) {
    // Storage is closed: follow the system.
  }
})();
