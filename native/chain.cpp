// SPDX-License-Identifier: Apache-2.0
// Dependent arithmetic: one step is 64 dependent operations on each of `width` independent lanes.
#include <cstdint>
#include <string>
#include <vector>

#include "arithmetic.hpp"
#include "bind.hpp"
#include "loops/dispatch.hpp"
#include "loops/lanes.hpp"
#include "memory.hpp"

namespace serialprof {

namespace {

constexpr std::uint64_t kAddend = 0x9E3779B97F4A7C15u;
constexpr std::uint64_t kMultiplier = 6364136223846793005u;
constexpr double kFactor =
    -1.0 + 1.0 / 65536.0;  // x <- factor x + term swings about 1.5 and neither grows nor vanishes
constexpr double kTerm = 3.0;
constexpr double kDividend = 3.0;  // x <- dividend / x stays in [1, 3]

struct Add {
  std::uint64_t operand;
  SERIALPROF_INLINE void operator()(std::uint64_t& value) const { add_once(value, operand); }
};

struct Multiply {
  std::uint64_t operand;
  SERIALPROF_INLINE void operator()(std::uint64_t& value) const { multiply_once(value, operand); }
};

struct Divide {
  double dividend;
  SERIALPROF_INLINE void operator()(double& value) const {
    value = dividend / value;
    keep_double(value);
  }
};

enum class Operation { kAdd, kMultiply, kFma, kDivide };

Operation operation_named(const std::string& name) {
  if (name == "add") return Operation::kAdd;
  if (name == "multiply") return Operation::kMultiply;
  if (name == "fma") return Operation::kFma;
  if (name == "divide") return Operation::kDivide;
  throw std::invalid_argument("operation = '" + name + "' is none of add, multiply, fma, divide");
}

class Chain {
 public:
  Chain(std::shared_ptr<Team> members, const std::string& operation, std::int64_t width, bool wide)
      : team(std::move(members)), operation_(operation_named(operation)), wide_(wide), width_(width) {
    in_range("width", width, 1, std::int64_t{1} << 40);
    const std::int64_t copies = 1 + (wide ? team->size() : 1);
    require_memory("width", width, 8.0 * static_cast<double>(width) * static_cast<double>(copies));
    stride_ = (width + 15) / 16 * 16;
    if (real()) {
      reals_ = allocate<double>(stride_ * copies);
      for (std::int64_t lane = 0; lane < width; ++lane) reals_[at(lane)] = initial_real(lane);
    } else {
      integers_ = allocate<std::uint64_t>(stride_ * copies);
      for (std::int64_t lane = 0; lane < width; ++lane) integers_[at(lane)] = static_cast<std::uint64_t>(2 * lane + 1);
    }
    begin();
  }

  void begin() {
    for (std::int64_t lane = 0; lane < width_; ++lane) {
      if (real()) {
        reals_[at(stride_ + lane)] = reals_[at(lane)];
      } else {
        integers_[at(stride_ + lane)] = integers_[at(lane)];
      }
    }
  }

  void step(std::int64_t index, Member& member) {
    if (wide_) {  // every step starts from the initial values: none waits for another
      if (index % member.size == member.rank) apply(0, stride_ * (1 + member.rank), 0, width_);
      return;
    }
    std::int64_t first;
    std::int64_t last;
    member.share(width_, width_ >= 8 * member.size ? 8 : 1, &first, &last);
    apply(stride_, stride_, first, last);
    if (member.size > 1) member.barrier();
  }

  py::list values() const {
    py::list lanes;
    for (std::int64_t lane = 0; lane < width_; ++lane) {
      if (real()) {
        lanes.append(reals_[at(stride_ + lane)]);
      } else {
        lanes.append(integers_[at(stride_ + lane)]);
      }
    }
    return lanes;
  }

  bool fused() const { return loops().fused; }

  std::shared_ptr<Team> team;

 private:
  static std::size_t at(std::int64_t index) noexcept { return static_cast<std::size_t>(index); }
  bool real() const noexcept { return operation_ == Operation::kFma || operation_ == Operation::kDivide; }
  double initial_real(std::int64_t lane) const { return 1.0 + static_cast<double>(lane) / static_cast<double>(width_); }

  // Lanes [first, last) read at offset `from` and written at offset `to`.
  void apply(std::int64_t from, std::int64_t to, std::int64_t first, std::int64_t last) {
    from += first;
    to += first;
    const std::int64_t count = last - first;
    switch (operation_) {
      case Operation::kAdd: {
        Add add{kAddend};
        keep_integer(add.operand);
        apply_lanes<kChainOps>(integers_.get() + from, integers_.get() + to, count, add);
        return;
      }
      case Operation::kMultiply: {
        Multiply multiply{kMultiplier};
        keep_integer(multiply.operand);
        apply_lanes<kChainOps>(integers_.get() + from, integers_.get() + to, count, multiply);
        return;
      }
      case Operation::kFma:
        loops().fma_lanes(reals_.get() + from, reals_.get() + to, count, kFactor, kTerm);
        return;
      case Operation::kDivide: {
        Divide divide{kDividend};
        keep_double(divide.dividend);
        apply_lanes<kChainOps>(reals_.get() + from, reals_.get() + to, count, divide);
        return;
      }
    }
  }

  Operation operation_;
  bool wide_;
  std::int64_t width_;
  std::int64_t stride_ = 0;         // elements from one copy of the lanes to the next
  Memory<double> reals_;            // copy 0 is the initial values; then the state, or in the wide form one result
  Memory<std::uint64_t> integers_;  // per thread
};

}  // namespace

void register_chain(py::module_& module) {
  kernel_class<Chain>(module, "Chain", "64 dependent operations per step on each of `width` lanes.")
      .def(py::init<std::shared_ptr<Team>, const std::string&, std::int64_t, bool>(), py::arg("team").none(false),
           py::arg("operation"), py::arg("width"), py::arg("wide") = false)
      .def("values", &Chain::values, "The lanes after the last run (wide form: after one step).")
      .def_property_readonly("fused", &Chain::fused, "Whether fma is one instruction here, rounded once.");
}

}  // namespace serialprof
