// SPDX-License-Identifier: Apache-2.0
// Word problems as they stand in GSM8K, as graphs of facts: one step works out one fact of every question, modulo the
// prime 2^31 - 1.
//
// A fact is the sum, the difference or the product of the fact before it and of an earlier fact or of a number that the
// question gives. All questions are of one template (operations and wires) with numbers of their own, as in
// GSM-Symbolic; so a fact is one pass over lanes.
#include <algorithm>
#include <cstdint>
#include <tuple>
#include <vector>

#include "bind.hpp"
#include "buffer.hpp"
#include "loops/dispatch.hpp"
#include "random.hpp"

namespace serialprof {

namespace {

constexpr std::int64_t kMemory = 8;              // facts that are remembered: a fact reads one of the last kMemory - 1
constexpr std::int64_t kTemplate = 32;           // different facts; step t is fact t % kTemplate
constexpr std::int64_t kNumbers = 4;             // numbers that a question gives
constexpr std::int64_t kLargest = 100;           // of them
constexpr std::int64_t kGrain = kLineBytes / 4;  // lanes of a cache line

std::size_t at(std::int64_t index) noexcept { return static_cast<std::size_t>(index); }

struct Fact {
  std::int32_t operation;  // FactOperation
  std::int32_t distance;   // 0: with a number; d > 1: with the fact d before it
  std::int32_t number;
};

class MathQa {
 public:
  MathQa(std::shared_ptr<Team> members, std::int64_t width, std::uint64_t seed, bool wide)
      : team(std::move(members)), width_(in_range("width", width, 1, std::int64_t{1} << 40)), wide_(wide) {
    const std::int64_t rows = kNumbers + kMemory + (wide ? team->size() : kMemory);
    require_memory("width", width, 4.0 * static_cast<double>(width + kGrain) * static_cast<double>(rows));
    const std::int64_t padded = (width + kGrain - 1) / kGrain * kGrain;
    Random random(seed);
    for (Fact& fact : facts_) {
      fact.operation = static_cast<std::int32_t>(random.below(3));
      // Every other fact, on the average, takes a number of the question.
      fact.distance = random.bits() >> 63 ? 0 : static_cast<std::int32_t>(2 + random.below(kMemory - 2));
      fact.number = static_cast<std::int32_t>(random.below(kNumbers));
    }
    for (std::int64_t row = 0; row < kNumbers + kMemory; ++row) {  // the first facts are given, too
      given_.emplace_back(padded);
      for (std::int64_t lane = 0; lane < width; ++lane) {
        given_.back()[lane] = static_cast<std::uint32_t>(1 + random.below(kLargest));
      }
    }
    for (std::int64_t row = 0; row < rows - kNumbers - kMemory; ++row) found_.emplace_back(padded);
  }

  void begin() { worked_out_ = 0; }

  void step(std::int64_t index, Member& member) {
    if (wide_) {  // every fact from what is given: none waits for another
      if (index % member.size == member.rank) {
        const Fact& fact = facts_[index % kTemplate];
        const std::uint32_t* other = fact.distance == 0 ? number(fact) : given_fact(-fact.distance);
        loops().facts(fact.operation, given_fact(-1), other, found_[at(member.rank)].data(), width_);
      }
    } else {
      std::int64_t first = 0;
      std::int64_t last = width_;
      if (member.size > 1) member.share(width_, kGrain, &first, &last);
      work_out(index, first, last);
      // A lane is one thread's alone: the barrier only ends the step.
      if (member.size > 1) member.barrier();
    }
    if (member.rank == 0) worked_out_ = index + 1;
  }

  std::vector<std::uint32_t> values() const {
    const std::uint32_t* row = wide_ && worked_out_ > 0 ? found_[0].data() : fact_at(worked_out_ - 1);
    return {row, row + width_};
  }

  std::vector<std::vector<std::uint32_t>> given() const {
    std::vector<std::vector<std::uint32_t>> rows;
    for (const Buffer<std::uint32_t>& row : given_) rows.emplace_back(row.data(), row.data() + width_);
    return rows;
  }

  std::vector<std::tuple<std::int32_t, std::int32_t, std::int32_t>> facts() const {
    std::vector<std::tuple<std::int32_t, std::int32_t, std::int32_t>> all;
    for (const Fact& fact : facts_) all.emplace_back(fact.operation, fact.distance, fact.number);
    return all;
  }

  std::shared_ptr<Team> team;

 private:
  const std::uint32_t* number(const Fact& fact) const noexcept { return given_[at(fact.number)].data(); }

  // Facts before the first step have the numbers -1 to -kMemory.
  const std::uint32_t* given_fact(std::int64_t index) const noexcept {
    return given_[at(kNumbers + kMemory + index)].data();
  }

  const std::uint32_t* fact_at(std::int64_t index) const noexcept {
    return index < 0 ? given_fact(index) : found_[at(index % kMemory)].data();
  }

  void work_out(std::int64_t index, std::int64_t first, std::int64_t last) noexcept {
    if (first >= last) return;
    const Fact& fact = facts_[index % kTemplate];
    const std::uint32_t* other = fact.distance == 0 ? number(fact) : fact_at(index - fact.distance);
    loops().facts(fact.operation, fact_at(index - 1) + first, other + first, found_[at(index % kMemory)].data() + first,
                  last - first);
  }

  std::int64_t width_;
  bool wide_;
  Fact facts_[kTemplate];
  std::vector<Buffer<std::uint32_t>> given_;  // the numbers of the questions, then the facts before the first step
  std::vector<Buffer<std::uint32_t>> found_;  // serial form: the last kMemory facts; wide form: one per thread
  std::int64_t worked_out_ = 0;
};

}  // namespace

void register_mathqa(py::module_& module) {
  kernel_class<MathQa>(module, "MathQa", "Graphs of facts modulo 2^31 - 1 for `width` questions, one fact per step.")
      .def(py::init<std::shared_ptr<Team>, std::int64_t, std::uint64_t, bool>(), py::arg("team").none(false),
           py::arg("width"), py::arg("seed") = 0, py::arg("wide") = false)
      .def("values", &MathQa::values, "The last fact of every question (in the wide form thread 0's last).")
      .def("given", &MathQa::given, "The numbers of the questions, then the facts before the first step, oldest first.")
      .def("facts", &MathQa::facts,
           "The template: operation (0 add, 1 subtract, 2 multiply), distance to the earlier fact (0: a number), "
           "number.");
}

}  // namespace serialprof
