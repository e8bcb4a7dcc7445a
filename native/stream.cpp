// SPDX-License-Identifier: Apache-2.0
// A limit of the machine: how many bytes per second a team of threads reads, at a footprint.
#include <algorithm>
#include <cstdint>

#include "bind.hpp"
#include "loops/dispatch.hpp"
#include "memory.hpp"
#include "timing.hpp"

namespace serialprof {

namespace {

constexpr std::int64_t kLineWords = kLineBytes / 8;
constexpr std::int64_t kPageWords = 4096 / 8;

// A footprint that the threads of a team read together, each its own share.
class Reader {
 public:
  Reader(std::shared_ptr<Team> members, std::int64_t footprint_bytes) : team_(std::move(members)) {
    in_range("footprint_bytes", footprint_bytes, kLineBytes, std::int64_t{1} << 44);
    require_memory("footprint_bytes", footprint_bytes, static_cast<double>(footprint_bytes));
    lines_ = footprint_bytes / kLineBytes;
    const std::int64_t share = (lines_ + team_->size() - 1) / team_->size() * kLineWords;
    stride_ = (share + kPageWords - 1) / kPageWords * kPageWords;
    words_ = allocate<std::uint64_t>(stride_ * team_->size());
    sums_ = std::make_unique<Padded<std::uint64_t>[]>(static_cast<std::size_t>(team_->size()));
    py::gil_scoped_release release;
    team_->run(&Reader::fill, this);
  }

  // Seconds in which the team reads the footprint `passes` times, after one pass that fills the caches.
  double seconds(std::int64_t passes) {
    in_range("passes", passes, 1, std::int64_t{1} << 32);
    const Turn turn(*team_);
    passes_ = passes;
    {
      py::gil_scoped_release release;
      team_->run(&Reader::read, this);
    }
    for (int rank = 0; rank < team_->size(); ++rank) {
      const Member member{rank, team_->size(), team_.get()};
      const auto n = static_cast<std::uint64_t>(words_of(member));  // a multiple of 8, so n / 2 is exact
      const std::uint64_t once = n == 0 ? 0 : n / 2 * (n - 1);
      if (sums_[static_cast<std::size_t>(rank)].value != once * static_cast<std::uint64_t>(passes + 1)) {
        throw std::runtime_error("Reader: the words read do not add up");
      }
    }
    return seconds_;
  }

 private:
  // Words of one thread's share.
  std::int64_t words_of(const Member& member) const noexcept {
    std::int64_t first;
    std::int64_t last;
    member.share(lines_, 1, &first, &last);
    return (last - first) * kLineWords;
  }

  std::uint64_t* share_of(const Member& member) const noexcept { return words_.get() + stride_ * member.rank; }

  // Each thread writes its own share first: the pages then lie on its own memory node.
  static void fill(void* context, Member& member) {
    const Reader& reader = *static_cast<Reader*>(context);
    std::uint64_t* const words = reader.share_of(member);
    for (std::int64_t index = 0; index < reader.words_of(member); ++index)
      words[index] = static_cast<std::uint64_t>(index);
  }

  static void read(void* context, Member& member) {
    Reader& reader = *static_cast<Reader*>(context);
    const std::uint64_t* const words = reader.share_of(member);
    const std::int64_t count = reader.words_of(member);
    std::uint64_t sum = loops().sum_words(words, count);
    const double seconds = timed_together(member, [&] {
      for (std::int64_t pass = 0; pass < reader.passes_; ++pass) sum += loops().sum_words(words, count);
    });
    reader.sums_[static_cast<std::size_t>(member.rank)].value = sum;
    if (member.rank == 0) reader.seconds_ = seconds;
  }

  std::shared_ptr<Team> team_;
  std::int64_t lines_ = 0;
  std::int64_t stride_ = 0;  // words from one thread's share to the next, whole pages
  std::int64_t passes_ = 0;
  double seconds_ = 0.0;
  Memory<std::uint64_t> words_;  // word i of every share holds i
  std::unique_ptr<Padded<std::uint64_t>[]> sums_;
};

}  // namespace

void register_stream(py::module_& module) {
  py::class_<Reader>(module, "Reader", "A footprint that the threads of a team read together, each its own share.")
      .def(py::init<std::shared_ptr<Team>, std::int64_t>(), py::arg("team").none(false), py::arg("footprint_bytes"))
      .def("seconds", &Reader::seconds, py::arg("passes"),
           "Seconds in which the team reads the footprint `passes` times, after one untimed pass.");
}

}  // namespace serialprof
