"use strict";
(async () => {
  const packed = Uint8Array.from(atob(document.getElementById("data").textContent), (each) => each.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const data = JSON.parse(await new Response(stream).text());
  const STATE = 0, REASON = 1, CAUSE = 2, EVIDENCE = 3;
  const harmless = new Set(data.harmless);
  const panel = document.getElementById("panel");
  const about = document.getElementById("about");
  const momentOf = document.getElementById("moment");
  const player = document.getElementById("player");
  const strips = (within) => [...within.querySelectorAll("svg.strip")].filter((each) => each.checkVisibility());

  const make = (name, text, attributes = {}) => {
    const made = document.createElement(name);
    made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const time = (ms) => new Date(ms).toISOString().slice(0, 19).replace("T", " ");
  const duration = (ms) => {
    const units = [[86400000, "d"], [3600000, "h"], [60000, "min"], [1000, "s"]];
    const at = units.findIndex(([size]) => ms >= size);
    if (at < 0) return `${ms} ms`;
    const [size, unit] = units[at];
    const smaller = units[at + 1];
    const second = smaller ? Math.floor((ms % size) / smaller[0]) : 0;
    return `${Math.floor(ms / size)} ${unit}` + (second ? ` ${second} ${smaller[1]}` : "");
  };

  const sentence = (text) => text && text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

  // A strip's spans, in the order of time: durations become moments.
  const spansOf = (id) => {
    const flat = data.spans[data.strips[id][2]];
    const spans = [];
    let start = data.from;
    for (let at = 0; at < flat.length; at += 3) {
      spans.push({ start, end: start + flat[at], why: data.why[flat[at + 1]], count: flat[at + 2] });
      start += flat[at];
    }
    return spans;
  };
  const momentAt = (strip, x) => {
    const box = strip.getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (x - box.left) / box.width));
    return Math.min(data.to - 1, data.from + Math.floor(part * (data.to - data.from)));
  };
  // A gap that is narrower than its drawing is what was meant, where the pointer is on the drawing.
  const spanAt = (strip, spans, moment) => {
    const near = (2 * (data.to - data.from)) / Math.max(1, strip.getBoundingClientRect().width);
    const at = spans.findIndex((each) => moment < each.end);
    const gap = spans.findIndex(
      (each) => !harmless.has(each.why[STATE]) && each.start - near <= moment && moment < each.end + near,
    );
    return gap >= 0 && harmless.has(spans[at].why[STATE]) ? gap : at;
  };
  const stateOf = (span) => data.states[span.why[STATE]] + (span.why[REASON] ? ` (${span.why[REASON]})` : "");
  const rangeOf = (span) => `${time(span.start)} to ${time(span.end)} UTC, ${duration(span.end - span.start)}`;
  const told = (id, span) =>
    [
      `${data.strips[id][0]}: ${stateOf(span)}`,
      rangeOf(span),
      sentence(span.why[CAUSE]),
      ...span.why[EVIDENCE].map((each) => `Evidence: ${each}`),
    ].filter(Boolean);

  const mark = (strip, span) => {
    for (const old of document.querySelectorAll(".cursor")) old.remove();
    const cursor = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const { width, height } = strip.viewBox.baseVal;
    const unit = width / (data.to - data.from);
    cursor.setAttribute("class", "cursor");
    cursor.setAttribute("x", (span.start - data.from) * unit);
    cursor.setAttribute("width", Math.max(1, (span.end - span.start) * unit));
    cursor.setAttribute("height", height);
    strip.append(cursor);
  };
  // The panel covers the page's end: the chosen strip is moved out from below it, also when a clip makes it higher.
  let chosen = null;
  const reveal = () => {
    const height = panel.hidden ? 0 : panel.getBoundingClientRect().height;
    document.body.style.paddingBottom = height ? `${height + 32}px` : "";
    document.documentElement.style.scrollPaddingBottom = `${height + 16}px`;
    if (!height || !chosen) return;
    const below = chosen.getBoundingClientRect().bottom + 12 - (innerHeight - height);
    if (below > 0) scrollBy(0, below);
  };
  new ResizeObserver(reveal).observe(panel);

  const show = (strip, spans, index, moment = spans[index].start) => {
    const span = spans[index];
    const [name, kind, , expected, basis] = data.strips[strip.id];
    for (const other of strip.closest("section").querySelectorAll("svg.strip[tabindex='0']")) other.setAttribute("tabindex", "-1");
    strip.setAttribute("tabindex", "0");
    strip.setAttribute("aria-valuenow", index);
    strip.setAttribute("aria-valuetext", told(strip.id, span).slice(0, 3).join(". "));
    strip.querySelector("title").textContent = told(strip.id, span).join("\n");
    mark(strip, span);
    about.replaceChildren(make("p", ""), make("p", rangeOf(span)));
    about.firstChild.append(make("strong", name, { class: "name" }), `: ${stateOf(span)}`);
    if (span.why[CAUSE]) about.append(make("p", sentence(span.why[CAUSE]), { class: "cause" }));
    if (span.count) about.append(make("p", `Counted: ${span.count.toLocaleString("en")}`));
    if (span.why[EVIDENCE].length) {
      const list = make("ul", "", { class: "evidence", "aria-label": "Evidence" });
      for (const each of span.why[EVIDENCE]) {
        const item = make("li", "");
        item.append(make("code", each));
        list.append(item);
      }
      about.append(list);
    }
    if (basis) about.append(make("p", `Expected ${expected ? `every ${duration(expected)}` : "at no fixed time"}. ${sentence(basis)}`, { class: "hint" }));
    chosen = strip;
    panel.hidden = false;
    player.replaceChildren();
    tell(kind, name, Math.max(span.start, moment - (moment % 1000)));
    if (kind === "camera") offer(name, span, moment);
    reveal();
  };

  // The command that tells the same moment: samples, configuration, and what the cameras saw.
  const iso = (ms) => new Date(ms).toISOString().replace(".000Z", "Z");
  const quoted = (word) => (/^[\w./:@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
  const commandOf = (kind, name, moment) => {
    const words = ["factory-lake", "moment", "--lake", data.lake, "--at", iso(moment)];
    // Strips of cameras are by arrival, those of tags by the gateways' clock.
    if (kind === "camera") words.push("--camera", `${data.factory}/${name}`, "--clock", "arrival");
    else words.push("--factory", data.factory);
    const parts = name.split("/");
    if (kind === "tag" && parts.length === 3) words.push("--device", parts[1], "--tag", parts[2]);
    return words.map(quoted).join(" ");
  };
  const tell = (kind, name, moment) => {
    const command = make("code", commandOf(kind, name, moment), { class: "command" });
    const button = make("button", "Copy", { type: "button" });
    const said = make("span", "", { role: "status" });
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(command.textContent);
        said.textContent = "Copied.";
      } catch {
        getSelection().selectAllChildren(command);
        said.textContent = "Selected: copy it with your keyboard.";
      }
    });
    momentOf.replaceChildren(make("span", "All of this moment:", { class: "hint" }), command, button, said);
  };

  // Clips: the one that began last before a moment has its footage, if any has.
  const clipAt = (camera, moment) => {
    const clips = data.clips[camera] || [];
    let low = 0, high = clips.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (clips[middle][0] <= moment) low = middle + 1;
      else high = middle;
    }
    return clips[low - 1];
  };
  const offer = (camera, span, moment) => {
    if (span.why[STATE] !== "data" && span.why[STATE] !== "late") return;
    const clip = clipAt(camera, moment);
    if (!clip) {
      player.append(make("p", "This page has no clip of that moment."));
      return;
    }
    const [start, url, key] = clip;
    if (!url) {
      const second = (ms) => iso(ms - (ms % 1000));
      player.append(make("p", "This page has no link to that clip. The clip, and the command that lists it:"));
      player.append(make("code", key), document.createElement("br"));
      player.append(make("code", `factory-lake camera clips ${data.factory}/${camera} --from ${second(start)} --to ${second(moment + 1000)}`));
      return;
    }
    const video = make("video", "", { controls: "", playsinline: "", preload: "metadata", "aria-label": `${camera}, clip from ${time(start)} UTC` });
    video.muted = true;
    video.addEventListener("loadedmetadata", () => {
      video.currentTime = Math.min(Math.max(0, (moment - start) / 1000), Math.max(0, video.duration - 0.1));
    }, { once: true });
    video.addEventListener("error", () => {
      const ended = data.linksEnd && Date.now() > data.linksEnd;
      const said = ended
        ? "The link has expired: make the page again with factory-lake report."
        : "The clip does not play: its link may have expired, this computer may not reach it, or the browser does not know its format.";
      player.replaceChildren(make("p", said), make("code", key));
    });
    video.src = url;
    player.append(video, make("p", key, { class: "hint name" }));
    video.play().catch(() => {});
  };

  document.addEventListener("pointermove", (event) => {
    const strip = event.target.closest?.("svg.strip");
    if (!strip) return;
    const spans = spansOf(strip.id);
    strip.querySelector("title").textContent = told(strip.id, spans[spanAt(strip, spans, momentAt(strip, event.clientX))]).join("\n");
  });
  document.addEventListener("click", (event) => {
    const strip = event.target.closest?.("svg.strip");
    if (!strip) return;
    const spans = spansOf(strip.id);
    const moment = momentAt(strip, event.clientX);
    const index = spanAt(strip, spans, moment);
    show(strip, spans, index, Math.min(Math.max(moment, spans[index].start), spans[index].end - 1));
  });
  document.addEventListener("focusin", (event) => {
    const strip = event.target.closest?.("svg.strip");
    if (!strip || !strip.matches(":focus-visible")) return;
    const spans = spansOf(strip.id);
    show(strip, spans, Math.min(Number(strip.getAttribute("aria-valuenow")), spans.length - 1));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    const strip = event.target.closest?.("svg.strip");
    if (!strip) return;
    const spans = spansOf(strip.id);
    const at = Number(strip.getAttribute("aria-valuenow"));
    const along = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: spans.length - 1, Enter: at, " ": at }[event.key];
    if (along !== undefined) {
      event.preventDefault();
      show(strip, spans, Math.min(spans.length - 1, Math.max(0, along)));
      return;
    }
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const all = strips(strip.closest("section"));
    const next = all[all.indexOf(strip) + step];
    if (!next) return;
    next.setAttribute("tabindex", "0");
    strip.setAttribute("tabindex", "-1");
    next.focus();
  });
  const close = () => {
    panel.hidden = true;
    chosen = null;
    player.replaceChildren();
    for (const old of document.querySelectorAll(".cursor")) old.remove();
  };
  document.getElementById("close").addEventListener("click", close);

  // Patterns are drawn in the strips' units, which are as wide as the page makes them.
  const scale = () => {
    const strip = document.querySelector("svg.strip");
    const width = strip ? strip.getBoundingClientRect().width : 0;
    if (!width) return;
    const stretched = strip.viewBox.baseVal.width / width;
    const drawn = `scale(${stretched} ${strip.viewBox.baseVal.height / strip.getBoundingClientRect().height})`;
    for (const swatch of document.querySelectorAll("svg.swatch")) swatch.setAttribute("viewBox", `0 0 ${24 * stretched} 16`);
    for (const pattern of document.querySelectorAll(".defs pattern")) pattern.setAttribute("patternTransform", drawn);
  };
  addEventListener("resize", scale);
  scale();

  const filter = document.getElementById("filter");
  if (filter) {
    const rows = [...filter.closest("section").querySelectorAll(".rows li")];
    filter.closest("p").hidden = false;
    filter.addEventListener("input", () => {
      const wanted = filter.value.trim().toLowerCase();
      let number = 0;
      for (const row of rows) {
        row.hidden = !row.querySelector(".name").textContent.toLowerCase().includes(wanted);
        if (!row.hidden) number += 1;
      }
      filter.closest("p").querySelector("output").textContent = wanted ? `${number} of ${rows.length}` : "";
    });
  }

  // Every gap as a table, some hundreds at a time.
  const AT_ONCE = 500;
  for (const details of document.querySelectorAll("details.all")) {
    details.hidden = false;
    details.addEventListener("toggle", () => {
      const gaps = Object.keys(data.strips)
        .filter((id) => data.strips[id][1] === details.dataset.kind)
        .flatMap((id) => spansOf(id).filter((span) => !harmless.has(span.why[STATE])).map((span) => [data.strips[id][0], span]));
      const body = document.createElement("tbody");
      const table = document.createElement("table");
      const head = table.appendChild(document.createElement("thead")).appendChild(document.createElement("tr"));
      const columns = ["what", "state", "from (UTC)", "to (UTC)", "length", "cause", "evidence"];
      for (const name of columns) head.append(make("th", name, { scope: "col" }));
      table.prepend(make("caption", `Every gap of the ${details.dataset.of}`));
      table.append(body);
      const more = make("button", "", { type: "button" });
      const grow = () => {
        for (const [name, span] of gaps.splice(0, AT_ONCE)) {
          const row = body.appendChild(document.createElement("tr"));
          const cells = [name, stateOf(span), time(span.start), time(span.end), duration(span.end - span.start), sentence(span.why[CAUSE]), span.why[EVIDENCE].join(" · ")];
          cells.forEach((cell, at) => row.append(make("td", cell, { "data-label": columns[at], class: "name" })));
        }
        more.hidden = gaps.length === 0;
        more.textContent = `Show ${Math.min(AT_ONCE, gaps.length)} of ${gaps.length} more`;
      };
      more.addEventListener("click", grow);
      grow();
      const scroll = make("div", "", { class: "scroll" });
      scroll.append(table, more);
      details.append(scroll);
    }, { once: true });
  }
  document.documentElement.dataset.ready = "true";
})();
