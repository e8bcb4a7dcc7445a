// SPDX-License-Identifier: Apache-2.0
// Rule 110 on a ring of cells, 64 to a word: one step is one generation.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "bind.hpp"
#include "loops/dispatch.hpp"
#include "memory.hpp"
#include "random.hpp"

namespace serialprof {

namespace {

constexpr std::int64_t kCellsPerWord = 64;
constexpr std::int64_t kGrain = kLineBytes / 8;  // words that threads share a row in: whole cache lines

// A row of words with a copy of the last word before the first, and of the first behind the last.
class Row {
 public:
  Row() = default;
  explicit Row(std::int64_t words) : count_(words), memory_(allocate<std::uint64_t>(words + 2 * kGrain)) {
    std::fill_n(memory_.get(), words + 2 * kGrain, std::uint64_t{0});
  }

  std::uint64_t* words() const noexcept { return memory_.get() + kGrain; }
  std::int64_t count() const noexcept { return count_; }

  // Closes the ring at the ends that [first, last) has just rewritten.
  void close(std::int64_t first, std::int64_t last) noexcept {
    if (first >= last) return;
    if (first == 0) words()[count_] = words()[0];
    if (last == count_) words()[-1] = words()[count_ - 1];
  }

 private:
  std::int64_t count_ = 0;
  Memory<std::uint64_t> memory_;
};

class Rule110 {
 public:
  Rule110(std::shared_ptr<Team> members, std::int64_t cells, std::uint64_t seed, bool wide)
      : team(std::move(members)), wide_(wide) {
    in_range("cells", cells, kCellsPerWord, std::int64_t{1} << 44);
    require(cells % kCellsPerWord == 0, "cells = " + std::to_string(cells) + " is no multiple of 64; choose one");
    const std::int64_t copies = 1 + (wide ? team->size() : 2);
    require_memory("cells", cells, static_cast<double>(cells) / 8.0 * static_cast<double>(copies));
    const std::int64_t words = cells / kCellsPerWord;
    initial_ = Row(words);
    for (std::int64_t copy = 1; copy < copies; ++copy) rows_.emplace_back(words);
    Random random(seed);
    for (std::int64_t index = 0; index < words; ++index) initial_.words()[index] = random.bits();
    initial_.close(0, words);
  }

  void begin() { generation_ = 0; }

  void step(std::int64_t index, Member& member) {
    if (wide_) {  // every step makes the first generation anew, into this thread's own row
      if (index % member.size == member.rank) advance(initial_, rows_[at(member.rank)], 0, initial_.count());
      if (member.rank == 0) generation_ = 1;
      return;
    }
    std::int64_t first;
    std::int64_t last;
    member.share(initial_.count(), kGrain, &first, &last);
    advance(index == 0 ? initial_ : rows_[at((index - 1) % 2)], rows_[at(index % 2)], first, last);
    if (member.rank == 0) generation_ = index + 1;
    if (member.size > 1) member.barrier();
  }

  py::bytes row() const {
    const Row& newest = generation_ == 0 ? initial_ : rows_[at(wide_ ? 0 : (generation_ - 1) % 2)];
    return py::bytes(reinterpret_cast<const char*>(newest.words()), at(newest.count() * 8));
  }

  void set_row(const std::string& bytes) {
    require(static_cast<std::int64_t>(bytes.size()) == initial_.count() * 8,
            "row: needs " + std::to_string(initial_.count() * 8) + " bytes, not " + std::to_string(bytes.size()));
    std::memcpy(initial_.words(), bytes.data(), bytes.size());
    initial_.close(0, initial_.count());
    generation_ = 0;
  }

  std::shared_ptr<Team> team;

 private:
  static std::size_t at(std::int64_t index) noexcept { return static_cast<std::size_t>(index); }

  static void advance(const Row& from, Row& to, std::int64_t first, std::int64_t last) noexcept {
    loops().rule110_words(from.words() + first, to.words() + first, last - first);
    to.close(first, last);
  }

  bool wide_;
  Row initial_;
  std::vector<Row> rows_;  // serial form: two that take turns; wide form: one per thread
  std::int64_t generation_ = 0;
};

}  // namespace

void register_rule110(py::module_& module) {
  kernel_class<Rule110>(module, "Rule110", "Rule 110 on a ring of `cells`, one generation per step.")
      .def(py::init<std::shared_ptr<Team>, std::int64_t, std::uint64_t, bool>(), py::arg("team").none(false),
           py::arg("cells"), py::arg("seed") = 0, py::arg("wide") = false)
      .def("row", &Rule110::row, "The row after the last run: cell i is bit i % 8 of byte i // 8.")
      .def("set_row", &Rule110::set_row, py::arg("row"), "Sets the row that every run starts from.");
}

}  // namespace serialprof
