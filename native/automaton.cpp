// SPDX-License-Identifier: Apache-2.0
// Any elementary cellular automaton on a ring of cells: one step is one generation. The row lies in strips
// (strips.hpp), so that a generation is one function of three bits per vector, and no shift.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "bind.hpp"
#include "buffer.hpp"
#include "loops/dispatch.hpp"
#include "random.hpp"
#include "strips.hpp"

namespace serialprof {

namespace {

constexpr std::int64_t kGrain = kLineBytes / 8;  // words of a cache line: threads share a row in whole ones

std::size_t at(std::int64_t index) noexcept { return static_cast<std::size_t>(index); }

std::uint64_t bit_at(const std::uint64_t* vectors, const Strips::Place& place, std::int64_t words) noexcept {
  return vectors[place.vector * words + place.word] >> place.bit & 1;
}

void set_bit(std::uint64_t& word, std::int64_t bit, std::uint64_t value) noexcept {
  word = (word & ~(std::uint64_t{1} << bit)) | value << bit;
}

// What the threads tell each other after a generation: the vectors at the ends of their parts, and the ends of the
// ring.
class Edges {
 public:
  Edges() = default;
  explicit Edges(std::int64_t parts) : memory_(parts * 2 * kGrain) {}

  std::uint64_t* first(std::int64_t part) noexcept { return memory_.data() + part * 2 * kGrain; }
  std::uint64_t* last(std::int64_t part) noexcept { return first(part) + kGrain; }

  Padded<std::uint64_t> leading, trailing;  // the first and the last cell of the ring

 private:
  Buffer<std::uint64_t> memory_;
};

// A generation takes the place of the one before: half the memory of two rows that take turns, and no line is fetched
// only to be overwritten. The start is kept for the next run.
class Automaton {
 public:
  Automaton(std::shared_ptr<Team> members, std::int64_t cells, std::int64_t rule, std::uint64_t seed, bool wide)
      : team(std::move(members)), cells_(cells), rule_(rule), wide_(wide), words_(loops().bit_words) {
    in_range("cells", cells, kCellsPerWord, std::int64_t{1} << 44);
    require(cells % kCellsPerWord == 0, "cells = " + std::to_string(cells) + " is no multiple of 64; choose one");
    in_range("rule", rule, 0, 255);
    const std::int64_t rows = wide ? team->size() : 1;
    // beside the rows the start, and the packed row that it is cut from
    require_memory("cells", cells, static_cast<double>(cells) / 8.0 * static_cast<double>(rows + 2));
    strips_ = Strips(cells, words_);
    last_ = strips_.place(cells - 1);
    behind_ = strips_.place(cells);
    generation_of_ = loops().elementary[rule];
    divide();
    start_ = Buffer<std::uint64_t>(strips_.length() * words_);
    for (std::int64_t row = 0; row < rows; ++row) rows_.emplace_back(strips_.length() * words_);
    std::vector<std::uint64_t> row(at(cells / kCellsPerWord));
    Random random(seed);
    for (std::uint64_t& word : row) word = random.bits();
    start_from(row);
  }

  void begin() { generation_ = 0; }

  void step(std::int64_t index, Member& member) {
    if (wide_) {  // every step makes the first generation anew, into this thread's own row
      if (index % member.size == member.rank) {
        advance(0, start_.data(), rows_[at(member.rank)].data(), edges_[kStart], edges_[0], member.rank);
      }
      if (member.rank == 0) generation_ = 1;
      return;
    }
    if (member.rank < parts()) update(index, member.rank);
    if (member.rank == 0) generation_ = index + 1;
    if (member.size > 1) member.barrier();
  }

  py::bytes row() const {
    const Buffer<std::uint64_t>& newest = generation_ == 0 ? start_ : rows_[0];
    std::vector<std::uint64_t> row(at(cells_ / kCellsPerWord));
    strips_.join(newest.data(), words_, row.data());
    return py::bytes(reinterpret_cast<const char*>(row.data()), row.size() * 8);
  }

  void set_row(const std::string& bytes) {
    const Turn turn(*team);
    require(static_cast<std::int64_t>(bytes.size()) == cells_ / 8,
            "row: needs " + std::to_string(cells_ / 8) + " bytes, not " + std::to_string(bytes.size()));
    std::vector<std::uint64_t> row(at(cells_ / kCellsPerWord));
    std::memcpy(row.data(), bytes.data(), bytes.size());
    start_from(row);
  }

  std::int64_t rule() const { return rule_; }

  std::shared_ptr<Team> team;

 private:
  static constexpr int kStart = 2;

  void update(std::int64_t index, std::int64_t part) noexcept {
    std::uint64_t* const row = rows_[0].data();
    Edges& from = edges_[index == 0 ? kStart : (index - 1) % 2];
    Edges& to = edges_[index % 2];
    if (!strips_.whole() && index > 0) mend(part, row, from);
    advance(part, index == 0 ? start_.data() : row, row, from, to, part);
    if (!strips_.whole()) tell_ends(part, row, to);
  }

  std::int64_t parts() const noexcept { return static_cast<std::int64_t>(bounds_.size()) - 1; }

  // Parts of whole cache lines, none of them empty: a thread each; in the wide form one, of which every thread has all.
  void divide() {
    const std::int64_t length = strips_.length();
    const std::int64_t grain = std::max(kGrain / words_, std::int64_t{1});
    const std::int64_t grains = (length + grain - 1) / grain;
    const std::int64_t count = wide_ ? 1 : std::min<std::int64_t>(team->size(), grains);
    for (std::int64_t part = 0; part < count; ++part) bounds_.push_back((grains * part + count - 1) / count * grain);
    bounds_.push_back(length);
    for (Edges& edges : edges_) edges = Edges(wide_ ? team->size() : count);
  }

  void start_from(const std::vector<std::uint64_t>& row) {
    strips_.cut(row.data(), start_.data(), words_);
    Edges& edges = edges_[kStart];
    for (std::int64_t part = 0; part < parts(); ++part) {
      const std::uint64_t* const first = start_.data() + bounds_[at(part)] * words_;
      const std::uint64_t* const last = start_.data() + (bounds_[at(part) + 1] - 1) * words_;
      std::copy_n(first, words_, edges.first(part));
      std::copy_n(last, words_, edges.last(part));
      if (part == 0) loops().rotate_vectors(first, edges.first(part), 1, false);
      if (part == parts() - 1) loops().rotate_vectors(last, edges.last(part), 1, true);
      tell_ends(part, start_.data(), edges);
    }
    for (std::int64_t part = 0; part < parts() && !strips_.whole(); ++part) mend(part, start_.data(), edges);
    generation_ = 0;
  }

  void tell_ends(std::int64_t part, const std::uint64_t* row, Edges& edges) const noexcept {
    if (part == 0) edges.leading.value = row[0] & 1;
    if (holds(part, last_)) edges.trailing.value = bit_at(row, last_, words_);
  }

  bool holds(std::int64_t part, const Strips::Place& place) const noexcept {
    return place.vector >= bounds_[at(part)] && place.vector < bounds_[at(part) + 1];
  }

  // Where strips hang over the end of the ring, its ends are not theirs: cell 0 is put behind the last cell, in the row
  // and in what this part reads of the next, and the last cell before cell 0.
  void mend(std::int64_t part, std::uint64_t* row, Edges& edges) const noexcept {
    const std::uint64_t leading = edges.leading.value;
    const std::int64_t next = (part + 1) % parts();
    if (holds(part, behind_)) set_bit(row[behind_.vector * words_ + behind_.word], behind_.bit, leading);
    if (behind_.vector == bounds_[at(next)]) {
      const std::int64_t strip = behind_.word * kCellsPerWord + behind_.bit - (next == 0 ? 1 : 0);
      set_bit(edges.first(next)[strip / kCellsPerWord], strip % kCellsPerWord, leading);
    }
    if (part == 0) set_bit(edges.last(parts() - 1)[0], 0, edges.trailing.value);
  }

  // The vectors of a part from `in` to `out`; what is told of them goes to place `teller` of `to`.
  void advance(std::int64_t part, const std::uint64_t* in, std::uint64_t* out, Edges& from, Edges& to,
               std::int64_t teller) const noexcept {
    const std::int64_t first = bounds_[at(part)];
    const std::int64_t last = bounds_[at(part) + 1];
    const std::int64_t before = part == 0 ? parts() - 1 : part - 1;
    const std::int64_t behind = part == parts() - 1 ? 0 : part + 1;
    generation_of_({from.last(before), in + first * words_, from.first(behind), out + first * words_, last - first,
                    to.first(teller), to.last(teller), part == 0, part == parts() - 1});
  }

  std::int64_t cells_;
  std::int64_t rule_;
  bool wide_;
  std::int64_t words_;  // of a vector
  Strips strips_;
  Strips::Place last_;                // of the last cell
  Strips::Place behind_;              // where strips hang over the end: of the position after it
  std::vector<std::int64_t> bounds_;  // of the parts, in vectors
  void (*generation_of_)(const RingPart& part) = nullptr;
  Buffer<std::uint64_t> start_;
  std::vector<Buffer<std::uint64_t>> rows_;  // serial form: one; wide form: one per thread
  Edges edges_[3];                           // of even and odd generations' parts, and of the start's
  std::int64_t generation_ = 0;
};

}  // namespace

void register_automaton(py::module_& module) {
  kernel_class<Automaton>(module, "Automaton",
                          "The elementary automaton of a Wolfram number on a ring of `cells`, one generation per step.")
      .def(py::init<std::shared_ptr<Team>, std::int64_t, std::int64_t, std::uint64_t, bool>(),
           py::arg("team").none(false), py::arg("cells"), py::arg("rule") = 110, py::arg("seed") = 0,
           py::arg("wide") = false)
      .def_property_readonly("rule", &Automaton::rule)
      .def("row", &Automaton::row, "The row after the last run: cell i is bit i % 8 of byte i // 8.")
      .def("set_row", &Automaton::set_row, py::arg("row"), "Sets the row that every run starts from.");
}

}  // namespace serialprof
