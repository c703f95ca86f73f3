const root = document.documentElement;
function show(lang) { root.dataset.lang = lang; root.lang = lang === "en" ? "en" : "zh-CN"; }
show(new URLSearchParams(location.search).get("lang") === "en" || location.hash === "#en" ? "en" : "zh");
document.getElementById("language").addEventListener("click", () => show(root.dataset.lang === "zh" ? "en" : "zh"));
