// Runs before the first paint, so that a dark page never flashes white. A file of its own because the
// content security policy allows no inline script.
(function () {
  var wish;
  try {
    wish = localStorage.getItem('pharos-color-scheme');
  } catch {
    wish = null; // storage may be forbidden; the system's scheme is the answer then
  }
  var dark = wish === 'dark' || (wish !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
})();
