// Before the first paint: the theme that was chosen, else that of the system. A file, because no inline script may run.
(function () {
  var theme = null;
  try {
    theme = localStorage.getItem("zaffre.theme");
  } catch (_) {}
  if (theme !== "light" && theme !== "dark") theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.theme = theme;
})();
