// SPDX-License-Identifier: Apache-2.0
// What-if sliders: what a step takes under other conditions, as serialprof.model.forecast says it. Seconds throughout.
// An estimate is {value, low, high, reason, remedy}, null where there is none; whatifdata.py names the data.
"use strict";
(() => {
  const NORMAL = 1.96; // two-sided 95 % quantile of the normal distribution
  const FACTORS = ["clock", "barrier", "dispatch", "memory_latency", "bandwidth"];
  const AS_IS = { clock: 1, barrier: 1, dispatch: 1, memory_latency: 1, bandwidth: 1 };
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  const dot = (a, b) => sum(a.map((number, index) => number * b[index]));
  const form = (rows, matrix) => Math.sqrt(Math.max(0, dot(rows, matrix.map((line) => dot(line, rows)))));
  const joined = (clauses, between = "; ") => [...new Set(clauses.filter(Boolean))].join(between);
  const clamp = (number, low, high) => {
    const above = low === null ? number : Math.max(low, number);
    return high === null ? above : Math.min(high, above);
  };
  const times = (a, b) => (a === null || b === null ? null : a * b);
  const told = (value, low, high, reason = "", remedy = "") => ({ value, low, high, reason, remedy });
  const inverse = (estimate) => {
    const over = (end) => (end === null || end <= 0 ? null : 1 / end);
    return { ...estimate, value: over(estimate.value), low: over(estimate.high), high: over(estimate.low) };
  };
  const scaled = (estimate, factor) => ({
    ...estimate, value: times(estimate.value, factor), low: times(estimate.low, factor), high: times(estimate.high, factor),
  });

  // (a^q + b^q)^(1/q) and its derivatives by both; q of null is infinite.
  const blend = (a, b, exponent) => {
    if (exponent === 1) return [a + b, 1, 1];
    if (exponent === null) return a >= b ? [a, 1, 0] : [b, 0, 1];
    const larger = Math.max(a, b);
    if (larger <= 0) return [0, 0, 0];
    const grown = ((a / larger) ** exponent + (b / larger) ** exponent) ** (1 / exponent);
    return [larger * grown, (a / larger / grown) ** (exponent - 1), (b / larger / grown) ** (exponent - 1)];
  };
  // Seconds of a step, and the weight of every term in it.
  const step = (candidate, row, parameters) => {
    const parts = [0, 0, 0, 0];
    candidate.sides.forEach((side, term) => { parts[side] += row[term] * parameters[term]; });
    const [width, ofComputing, ofTraffic] = blend(parts[1], parts[2], candidate.inner);
    const [whole, ofChain, ofWidth] = blend(parts[0], width, candidate.outer);
    const shown = [ofChain, ofWidth * ofComputing, ofWidth * ofTraffic, 1];
    return { seconds: whole + parts[3], weights: candidate.sides.map((side) => shown[side]) };
  };
  // Quantities {value, units, slopes, timed} of one candidate, and their arithmetic.
  const modelled = (candidate, row) => {
    const { weights } = step(candidate, row, candidate.parameters);
    const slopes = row.map((regressor, term) => weights[term] * regressor);
    const units = candidate.units.map((parameters) => step(candidate, row, parameters).seconds);
    return { value: dot(slopes, candidate.parameters), units, slopes, timed: false };
  };
  const plus = (a, b, factor) => ({
    value: a.value + factor * b.value,
    units: a.units.map((unit, index) => unit + factor * b.units[index]),
    slopes: a.slopes.map((slope, index) => slope + factor * b.slopes[index]),
    timed: a.timed || (b.timed && factor !== 0),
  });
  const excess = (a, factor, rounding) => ({
    ...a, value: a.value > rounding ? factor * a.value : a.value,
    units: a.units.map((unit) => (unit > 0 ? factor * unit : unit)),
    slopes: a.slopes.map((slope) => (a.value > rounding ? factor : 1) * slope),
  });
  const over = (a, b) => {
    const ratio = a.value / b.value;
    return {
      value: ratio, units: a.units.map((unit, index) => unit / b.units[index]),
      slopes: a.slopes.map((slope, index) => (slope - ratio * b.slopes[index]) / b.value), timed: a.timed || b.timed,
    };
  };

  const united = (cases, within, reason, remedy) => {
    const values = cases.map((item) => item.value).filter((value) => value !== null);
    const known = values.length === cases.length && Math.max(...values) - Math.min(...values) <= within;
    const end = (name, pick) => (cases.some((item) => item[name] === null) ? null : pick(...cases.map((item) => item[name])));
    return told(
      known ? (Math.min(...values) + Math.max(...values)) / 2 : null, end("low", Math.min), end("high", Math.max),
      joined([...cases.map((item) => item.reason), known ? "" : reason]),
      joined([...cases.map((item) => item.remedy), known ? "" : remedy], " and "),
    );
  };
  const clipped = (estimate, whole, least, most) => {
    const low = times(whole.low, least), high = times(whole.high, most);
    const ends = [estimate.low, estimate.high].map((end) => (end === null ? null : clamp(end, low, high)));
    let { value } = estimate;
    if (value !== null) {
      value = clamp(value, low || times(whole.value, least), high || times(whole.value, most));
      value = clamp(value, ...ends);
    }
    return { ...estimate, value, low: ends[0], high: ends[1] };
  };

  class Family {
    constructor(data) {
      Object.assign(this, data);
      this.asIs = new Map();
    }

    place(width, threads) { return this.places[`${width},${threads}`]; }

    row(candidate, place, growth) {
      const row = (growth && place.grown) || place.row;
      return candidate.terms.map((term) => row[term]);
    }

    // {least, most, reason, remedy} of a numbered effect under a change.
    factors(number, change) {
      const [ways, reason, remedy] = this.effects[number];
      const found = ways.map((way) => way[5] * FACTORS.reduce((all, name, index) => all * change[name] ** way[index], 1));
      const least = Math.min(...found), most = Math.max(...found);
      return most > least ? { least, most, reason, remedy } : { least, most, reason: "", remedy: "" };
    }

    bounds(place, change) {
      const acting = (place.bare || place.effects).filter((_, term) => place.row[term] > 0);
      const found = [...acting, place.rest].map((number) => this.factors(number, change));
      return { least: Math.min(...found.map((item) => item.least)), most: Math.max(...found.map((item) => item.most)) };
    }

    quantile(freedom) { // of Student's t, linear in the inverse between the stops that are embedded
      const own = this.blocks - 1, last = this.quantiles.length - 1;
      const at = Math.min(last, Math.max(0, (1 / own - 1 / freedom) * 2 * own * last)), left = Math.min(last - 1, Math.floor(at));
      return this.quantiles[left] + (at - left) * (this.quantiles[left + 1] - this.quantiles[left]);
    }

    halfWidth(candidate, quantity) {
      const { slopes, units } = quantity, own = this.blocks - 1, mean = sum(units) / units.length;
      const level = (dot(slopes, candidate.parameters) * this.level) ** 2, points = form(slopes, candidate.points) ** 2;
      const variance = points + level;
      const prior = Math.min(own, quantity.timed || variance <= 0 ? 0 : (this.freedom * points) / variance);
      const found = sum(units.map((unit) => (unit - mean) ** 2)) / (units.length - 1) / this.blocks; // some blocks speak for all
      let half = this.quantile(prior + own) * Math.sqrt((prior * variance + own * found) / (prior + own));
      if (candidate.noise) half = Math.max(half, NORMAL * form(slopes, candidate.noise));
      half = Math.hypot(half, NORMAL * form(slopes, candidate.given), candidate.quantile * form(slopes, candidate.lack));
      return candidate.allowance * half;
    }

    // One quantity by every candidate, as one estimate.
    estimate(quantities, scale) {
      const values = quantities.map((quantity) => quantity.value);
      const settled = !this.confusion || Math.max(...values) - Math.min(...values) <= this.agreement * scale;
      if (this.few) {
        return settled ? told(values[0], null, null, this.few)
          : told(null, null, null, `${this.confusion}; ${this.few}`, this.confused);
      }
      const halves = quantities.map((quantity, index) => this.halfWidth(this.candidates[index], quantity));
      const low = Math.max(0, Math.min(...values.map((value, index) => value - halves[index])));
      const high = Math.max(...values.map((value, index) => value + halves[index]));
      return settled ? told(values[0], low, high) : told(null, low, high, this.confusion, this.confused);
    }

    now(place) {
      return place.now ? told(...place.now) : this.forecast(place, place, AS_IS).step;
    }

    told(candidate, place) {
      const model = modelled(candidate, this.row(candidate, place, 0));
      const measured = { value: place.mean, units: place.units, slopes: model.slopes.map(() => 0), timed: true };
      return plus(model, plus(measured, model, -1), place.missed);
    }

    // {step, speedup} at `there` under a change, compared with `here` as it is.
    forecast(here, there, change) {
      if (FACTORS.every((name) => change[name] === 1)) {
        if (here.now && there.now) return { step: this.now(there), speedup: told(...here.paired[there.threads]) };
        const key = `${here.width},${here.threads},${there.width},${there.threads}`;
        if (!this.asIs.has(key)) this.asIs.set(key, this.model(here, there, change));
        return this.asIs.get(key);
      }
      const bounds = this.bounds(there, change);
      return bounds.least === 1 && bounds.most === 1 ? this.unchanged(here, there) : this.model(here, there, change);
    }

    unchanged(here, there) {
      return here === there ? { step: this.now(there), speedup: told(1, 1, 1) } : this.forecast(here, there, AS_IS);
    }

    model(here, there, change) {
      const factors = there.effects.map((number) => this.factors(number, change)), rest = this.factors(there.rest, change);
      const open = factors.some((item) => item.most > item.least);
      const steps = [], shares = [];
      let apart = false;
      for (const end of open ? ["least", "most"] : ["least"]) {
        for (const growth of there.grown ? [0, 1] : [0]) {
          for (const left of rest.most > rest.least ? ["least", "most"] : ["least"]) {
            const found = this.candidates.map((item) => this.quantities(item, here, there, factors, end, growth, rest[left]));
            steps.push(this.estimate(found.map((item) => item.then), found[0].then.value));
            shares.push(this.estimate(found.map((item) => item.share), 1));
            const effects = found.map((item) => item.effect);
            apart ||= Math.max(...effects) - Math.min(...effects) > this.agreement;
          }
        }
      }
      if (apart && change.clock !== 1 && !this.overlap) {
        const refused = told(null, null, null, ...this.words.overlap);
        return this.possible(here, there, change, refused, refused);
      }
      return this.united(here, there, change, steps, shares, factors);
    }

    quantities(candidate, here, there, factors, end, growth, rest) {
      const row = this.row(candidate, there, growth);
      const present = modelled(candidate, row);
      let then = modelled(candidate, row.map((regressor, term) => regressor * factors[candidate.terms[term]][end]));
      const effect = present.value > 0 ? then.value / present.value : 1;
      if (there.now) then = plus(then, excess(plus(this.told(candidate, there), present, -1), rest, this.met * present.value), 1);
      const base = here.now ? this.told(candidate, here) : modelled(candidate, this.row(candidate, here, growth));
      return { then, share: over(then, base), effect };
    }

    united(here, there, change, steps, shares, factors) {
      const [reason, remedy] = this.doubts(there, change, factors);
      const within = change.clock === 1 || this.clocked ? this.agreement : -1;
      const mean = here.now ? here.mean : modelled(this.candidates[0], this.row(this.candidates[0], here, 0)).value;
      const most = Math.max(...this.candidates.map((candidate) => this.hidden(candidate, there, factors)));
      return this.possible(here, there, change, ...[
        [united(steps, within * (steps[0].value || 0), reason, remedy), 1], [united(shares, within, reason, remedy), mean],
      ].map(([estimate, whole]) => this.doubted(estimate, there, most / whole, whole)));
    }

    // What hidden terms, the distance from the sweep and barriers that were not measured leave of an estimate.
    doubted(estimate, there, most, whole) {
      let { value, low, high, reason, remedy } = estimate;
      if ((high !== null || value !== null) && most > (high || value || 0)) {
        if (value === null || most > value * (1 + this.agreement)) [value, reason, remedy] = [null, ...this.words.hidden];
        if (high !== null) high = most;
      }
      const loose = there.loose === undefined ? null : there.loose / whole;
      if (loose !== null && value !== null && low !== null && high !== null
          && Math.max(loose, (high - low) / 2) > this.vague * value) {
        [high, value, reason, remedy] = [Math.max(high, value + loose), null, this.words.vague, this.sentences[there.nearer]];
      }
      if (there.lost) {
        [low, value, high] = [low === null ? value : low, null, null];
        [reason, remedy] = there.lost.map((number) => this.sentences[number]);
      }
      return told(value, low, high, reason, remedy);
    }

    hidden(candidate, there, factors) {
      if (!candidate.largest.some((number) => number > 0)) return 0;
      return Math.max(...[0, 1].map((growth) => sum(this.row(candidate, there, growth).map((regressor, term) => {
        const number = candidate.terms[term];
        return (this.barriers[number] ? candidate.parameters : candidate.largest)[term] * regressor * factors[number].most;
      }))));
    }

    doubts(there, change, factors) {
      const winner = this.candidates[0], found = [];
      if (this.few) found.push(["", this.words.more]);
      if (change.clock !== 1) found.push(this.clocked ? this.words.clock : this.words.oneclock);
      this.row(winner, there, 0).forEach((regressor, term) => {
        const { reason, remedy } = factors[winner.terms[term]];
        if (regressor * winner.parameters[term] > 0) found.push([reason, remedy]);
      });
      if (there.barrier) found.push(there.barrier.map((number) => this.sentences[number]));
      if (there.left) {
        const { reason, remedy } = this.factors(there.rest, change);
        found.push([reason, remedy]);
      }
      return [joined(found.map((item) => item[0])), joined(found.map((item) => item[1]), " and ")];
    }

    // Cut to what the change allows of the place on the same machine.
    possible(here, there, change, step, share) {
      const now = this.now.bind(this, here), same = here === there;
      if (FACTORS.every((name) => change[name] === 1)) {
        return { step: same ? step : clipped(step, now(), share.low, share.high), speedup: inverse(share) };
      }
      const { least, most } = this.bounds(there, change), own = this.unchanged(here, there);
      let part = clipped(share, inverse(own.speedup), least, most);
      const cut = clipped(step, own.step, least, most);
      if (same && there.now) {
        if (part.value === null) part = { ...part, low: part.low === null ? least : part.low, high: part.high === null ? most : part.high };
        const whole = now();
        const ends = ["value", "low", "high"].map((name) => times(whole[name], part[name]));
        return { step: told(...ends, cut.reason, cut.remedy), speedup: inverse(part) };
      }
      return { step: clipped(cut, now(), part.low, part.high), speedup: inverse(part) };
    }

    // The fewest of the slider's thread counts that shorten a step as much as the clock alone does.
    equal(width, threads, clock) {
      if (clock <= 1) return told(null, null, null, clock < 1 ? "a slower clock gains nothing" : "the clock is as measured");
      const here = this.place(width, threads);
      const gain = this.forecast(here, here, { ...AS_IS, clock }).speedup;
      const least = clamp(gain.low === null ? 1 : gain.low, 1, clock), most = clamp(gain.high === null ? clock : gain.high, 1, clock);
      const counts = this.stops.threads.filter((count) => count >= threads);
      const speedups = counts.map((count) => this.forecast(here, this.place(width, count), AS_IS).speedup);
      const first = (end, wanted) => speedups.findIndex((item) => item[end] !== null && item[end] >= wanted * (1 - 1e-12));
      const few = first("high", least), many = first("low", most);
      if (few < 0) {
        const missing = speedups.find((item) => item.high === null);
        const none = `no number of threads up to ${counts.at(-1)} gains as much`;
        return missing ? told(null, null, null, missing.reason, missing.remedy) : told(null, counts.at(-1), null, none);
      }
      const low = few ? counts[few - 1] + 1 : counts[0], high = many < 0 ? null : counts[many];
      return told(low === high ? low : null, low, high);
    }

    // Where the settings lie, in a sentence.
    where(outside, clock) {
      const sweep = outside ? "Extrapolated: outside the measured range." : "Inside the measured range.";
      return clock === 1 || this.clocked ? sweep : `${sweep} One clock was measured: another is by the model alone.`;
    }

    outside(width, threads, clock) {
      const [low, high] = this.clocks, out = (number, [least, most]) => number < least || number > most;
      const faster = this.clocked && clock !== 1 && out(clock, [low * (1 - 1e-9), high * (1 + 1e-9)]);
      return out(width, this.widths) || out(threads, this.threads) || faster;
    }

    // What a million steps cost, by what an hour costs or what is drawn; `factor` on that.
    paid(name, step, threads, factor) {
      const [base, perThread] = this.costs[name], second = (base + perThread * threads) * factor;
      return scaled(step, (1e6 * second) / (name === "price" ? 3600 : 1));
    }

    answer({ width, threads, price, watts, ...asked }) {
      const change = { ...AS_IS, ...asked }, there = this.place(width, threads);
      const { step, speedup } = this.forecast(this.place(width, this.base), there, change);
      const rate = inverse(step);
      const numbers = { step: scaled(step, 1e3), steps: rate, lanes: scaled(rate, width), speedup, equal: this.equal(width, threads, change.clock) };
      Object.entries({ price, watts }).filter(([, factor]) => factor !== undefined)
        .forEach(([name, factor]) => { numbers[name] = this.paid(name, step, threads, factor); });
      const outside = this.outside(width, threads, change.clock);
      return { numbers, outside, where: this.where(outside, change.clock), reason: step.reason, remedy: step.remedy };
    }
  }

  const shown = (number) => (number === null ? "\u2013" : String(Number(number.toPrecision(4))));

  // The table is complete as it stands in the page, so the data are read when a slider first moves.
  class Panel {
    constructor(element) {
      this.element = element;
      this.sliders = [...element.querySelectorAll("input")];
      this.sliders.forEach((slider) => slider.addEventListener("input", () => this.update()));
      element.querySelectorAll("[data-reset]").forEach((button) => button.addEventListener("click", () => this.reset(button.dataset.reset)));
      element.querySelector(".sliders").hidden = false;
    }

    get family() {
      if (!this.known) {
        this.known = new Family(JSON.parse(this.element.querySelector("script").textContent));
        for (const [key, place] of Object.entries(this.known.places)) [place.width, place.threads] = key.split(",").map(Number);
      }
      return this.known;
    }

    reset(name) {
      this.sliders.filter((slider) => !name || slider.dataset.name === name)
        .forEach((slider) => { slider.value = this.family.start[slider.dataset.name]; });
      this.update();
    }

    update() {
      const asked = {};
      for (const slider of this.sliders) {
        const { name } = slider.dataset, stop = this.family.stops[name][slider.valueAsNumber];
        asked[name] = stop;
        const text = ["width", "threads"].includes(name) ? String(stop) : `x${stop}`;
        slider.setAttribute("aria-valuetext", text);
        slider.parentElement.querySelector("output").textContent = text;
      }
      this.show(this.family.answer(asked));
    }

    show({ numbers, outside, where, reason, remedy }) {
      for (const row of this.element.querySelectorAll("tr[data-row]")) {
        const estimate = numbers[row.dataset.row];
        ["value", "low", "high"].forEach((name, index) => {
          const cell = row.cells[index + 1];
          cell.textContent = shown(estimate[name]);
          cell.dataset.number = estimate[name] === null ? "" : estimate[name];
        });
      }
      this.element.querySelector(".place").textContent = where;
      this.element.classList.toggle("outside", outside);
      this.element.querySelector(".why").textContent = joined([reason, remedy && `told by ${remedy}`]);
      const { equal } = numbers;
      this.element.querySelector(".equal").textContent = equal.reason && `threads that equal the clock: ${equal.reason}`;
    }
  }
  document.querySelectorAll(".whatif[data-fit]").forEach((element) => new Panel(element));
})();
