// SPDX-License-Identifier: Apache-2.0
// A program whose serial share is known by construction, in units of one dependent multiply.
//
// One step, modulo 2^64:    state <- state * serial^(serial_ops - 1) * product over lanes of multiplier[lane]^lane_ops
//
// Rank 0 does the serial multiplies (folding the lanes' products in is the one that is missing), then the threads split
// the lanes. All lanes of one thread form one chain of multiplies: the product of a lane is the factor that the next
// lane starts with, so no core overlaps two lanes and time is proportional to serial_ops + width / threads * lane_ops.
// The product is commutative, so any split among threads gives the same state.
//
// With overlap, on one thread, the lanes do not wait for the serial multiplies of their own step: the two chains run
// interleaved, and the next step starts from the product of both. Time is then proportional to
// max(serial_ops, 1 + width * lane_ops).
#include <algorithm>
#include <cstdint>
#include <memory>

#include "arithmetic.hpp"
#include "bind.hpp"
#include "memory.hpp"
#include "ring.hpp"

namespace serialprof {

namespace {

constexpr std::uint64_t kSerialMultiplier = 6364136223846793005u;

// Two values, each multiplied `count` times by its own operand, in turns: neither chain waits for the other, so an
// out-of-order core runs them side by side.
inline void multiply_chains(std::uint64_t& first, std::uint64_t by_first, std::uint64_t& second,
                            std::uint64_t by_second, std::int64_t count) noexcept {
  std::int64_t done = 0;
  for (; done + 16 <= count; done += 16) {
#pragma GCC unroll 16
    for (int unrolled = 0; unrolled < 16; ++unrolled) {
      multiply_once(first, by_first);
      multiply_once(second, by_second);
    }
  }
  for (; done < count; ++done) {
    multiply_once(first, by_first);
    multiply_once(second, by_second);
  }
}

class Planted {
 public:
  Planted(std::shared_ptr<Team> members, std::int64_t serial_ops, std::int64_t lane_ops, std::int64_t width,
          std::uint64_t seed, bool wide, std::int64_t lane_loads, std::int64_t footprint_bytes, bool overlap)
      : team(std::move(members)),
        serial_ops_(in_range("serial_ops", serial_ops, 1, std::int64_t{1} << 40)),
        lane_ops_(in_range("lane_ops", lane_ops, 0, std::int64_t{1} << 40)),
        lane_loads_(in_range("lane_loads", lane_loads, 0, std::int64_t{1} << 40)),
        width_(in_range("width", width, 1, std::int64_t{1} << 40)),
        seed_(seed),
        wide_(wide),
        overlap_(overlap) {
    require(!overlap || team->size() == 1,
            "overlap: the two chains share one thread, the team has " + std::to_string(team->size()));
    require(!overlap || lane_loads == 0, "overlap: goes without loads, lane_loads = " + std::to_string(lane_loads));
    require_memory("width", width, 8.0 * static_cast<double>(width));
    if (lane_loads > 0) {
      in_range("footprint_bytes", footprint_bytes, kLineBytes, std::int64_t{1} << 44);
      require_memory("footprint_bytes", footprint_bytes, static_cast<double>(footprint_bytes));
      ring_ = Ring(footprint_bytes / kLineBytes, seed);
    }
    multipliers_ = allocate<std::uint64_t>(width);
    for (std::int64_t lane = 0; lane < width; ++lane) {
      multipliers_[static_cast<std::size_t>(lane)] = 2 * (seed + static_cast<std::uint64_t>(lane)) + 3;
    }
    threads_ = std::make_unique<Thread[]>(static_cast<std::size_t>(team->size()));
    for (int rank = 0; rank < team->size(); ++rank) {
      thread(rank).cursor = ring_.line(ring_.count() / team->size() * rank);
    }
    begin();
  }

  void begin() {
    state_.value = initial();
    for (int rank = 0; rank < team->size(); ++rank) {
      thread(rank).product = 1;
      thread(rank).results = 1;
    }
  }

  void step(std::int64_t index, Member& member) {
    Thread& mine = thread(member.rank);
    if (wide_) {
      if (index % member.size == member.rank) mine.results *= independent_step(mine);
      return;
    }
    if (overlap_) {
      state_.value = fold();
      mine.product = side_by_side(state_.value);
      return;
    }
    if (member.rank == 0) state_.value = serial_part(fold());
    if (member.size > 1) member.barrier();
    std::int64_t first;
    std::int64_t last;
    member.share(width_, 1, &first, &last);
    mine.product = lanes(state_.value, first, last, mine);
    if (member.size > 1) member.barrier();
  }

  // The state after the last run; in the wide form the product of all steps' results.
  std::uint64_t value() const {
    if (!wide_) return fold();
    std::uint64_t total = 1;
    for (int rank = 0; rank < team->size(); ++rank) total *= thread(rank).results;
    return total;
  }

  std::shared_ptr<Team> team;

 private:
  struct alignas(128) Thread {
    std::uint64_t product;  // of this thread's lanes in the last step
    std::uint64_t results;  // wide form: product of the results of this thread's steps
    Line* cursor;
  };

  Thread& thread(int rank) const { return threads_[static_cast<std::size_t>(rank)]; }
  std::uint64_t initial() const noexcept { return 2 * seed_ + 1; }

  std::uint64_t fold() const noexcept {
    std::uint64_t state = state_.value;
    for (int rank = 0; rank < team->size(); ++rank) state *= thread(rank).product;
    return state;
  }

  std::uint64_t serial_part(std::uint64_t state) const noexcept {
    std::uint64_t multiplier = kSerialMultiplier;
    keep_integer(multiplier);
    return multiply_chain(state, multiplier, serial_ops_ - 1);
  }

  // The product over lanes [first, last), a chain that starts only when `state` is known.
  std::uint64_t lanes(std::uint64_t state, std::int64_t first, std::int64_t last, Thread& mine) const noexcept {
    std::uint64_t zero = 0;  // that it is zero, neither the compiler nor the core knows
    keep_integer(zero);
    std::uint64_t product = (state & zero) | 1;
    for (std::int64_t lane = first; lane < last; ++lane) {
      product = multiply_chain(product, multipliers_[static_cast<std::size_t>(lane)], lane_ops_);
      if (lane_loads_ > 0) product = chase(product, zero, mine);
    }
    return product;
  }

  // The serial part of `state` in place, interleaved with the lanes, whose product is returned.
  std::uint64_t side_by_side(std::uint64_t& state) const noexcept {
    std::uint64_t zero = 0;
    keep_integer(zero);
    std::uint64_t multiplier = kSerialMultiplier;
    keep_integer(multiplier);
    std::uint64_t serial = state;
    std::uint64_t product = (serial & zero) | 1;
    std::int64_t left = serial_ops_ - 1;
    for (std::int64_t lane = 0; lane < width_; ++lane) {
      const std::uint64_t factor = multipliers_[static_cast<std::size_t>(lane)];
      const std::int64_t both = std::min(left, lane_ops_);
      multiply_chains(serial, multiplier, product, factor, both);
      product = multiply_chain(product, factor, lane_ops_ - both);
      left -= both;
    }
    state = multiply_chain(serial, multiplier, left);
    return product;
  }

  // lane_loads dependent loads that start after `product` is known; what depends on the result waits for the last.
  std::uint64_t chase(std::uint64_t product, std::uint64_t zero, Thread& mine) const noexcept {
    Line* cursor = mine.cursor + (product & zero);
    for (std::int64_t load = 0; load < lane_loads_; ++load) {
      cursor = cursor->next;
      keep_integer(cursor);
    }
    mine.cursor = cursor;
    return product + (reinterpret_cast<std::uintptr_t>(cursor) & zero);
  }

  std::uint64_t independent_step(Thread& mine) const noexcept {
    std::uint64_t state = initial();
    keep_integer(state);
    if (overlap_) {
      const std::uint64_t product = side_by_side(state);
      return state * product;
    }
    state = serial_part(state);
    return state * lanes(state, 0, width_, mine);
  }

  std::int64_t serial_ops_;
  std::int64_t lane_ops_;
  std::int64_t lane_loads_;
  std::int64_t width_;
  std::uint64_t seed_;
  bool wide_;
  bool overlap_;
  Ring ring_;
  Memory<std::uint64_t> multipliers_;  // per lane, odd
  std::unique_ptr<Thread[]> threads_;
  Padded<std::uint64_t> state_;
};

}  // namespace

void register_planted(py::module_& module) {
  kernel_class<Planted>(
      module, "Planted",
      "A step of serial_ops + width * lane_ops dependent multiplies; with overlap the two side by side.")
      .def(py::init<std::shared_ptr<Team>, std::int64_t, std::int64_t, std::int64_t, std::uint64_t, bool, std::int64_t,
                    std::int64_t, bool>(),
           py::arg("team").none(false), py::arg("serial_ops"), py::arg("lane_ops"), py::arg("width"),
           py::arg("seed") = 0, py::arg("wide") = false, py::arg("lane_loads") = 0, py::arg("footprint_bytes") = 0,
           py::arg("overlap") = false)
      .def_property_readonly("value", &Planted::value,
                             "The state after the last run; in the wide form the product of all steps' results.");
}

}  // namespace serialprof
