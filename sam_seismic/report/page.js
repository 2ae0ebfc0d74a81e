// A slider sets the variable of the style of its figure that its data-sets names, in percent.
for (const slider of document.querySelectorAll("input[data-sets]")) {
  slider.addEventListener("input", () => {
    slider.closest("figure").style.setProperty("--" + slider.dataset.sets, slider.value + "%");
  });
}
