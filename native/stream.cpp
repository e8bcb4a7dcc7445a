// SPDX-License-Identifier: Apache-2.0
// Limits of the machine: how many bytes per second a team of threads reads, or reads and writes back, at a footprint.
#include <cstdint>
#include <stdexcept>
#include <string>

#include "bind.hpp"
#include "loops/dispatch.hpp"
#include "memory.hpp"
#include "timing.hpp"

namespace serialprof {

namespace {

constexpr std::int64_t kLineWords = kLineBytes / 8;
constexpr std::int64_t kPageWords = 4096 / 8;

// A footprint that the threads of a team read or update together, each its own share.
//
// Passes that go to and fro find at every turn what the last one left in the nearer caches; passes that all go upwards
// suit the prefetchers better, and several streams at once keep more of them busy. Which is faster, and in what pieces,
// depends on the footprint and on the machine.
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
  double seconds(std::int64_t passes, const std::string& order) {
    return timed(passes, order, &Reader::read,
                 [passes](std::uint64_t once, std::uint64_t) { return once * static_cast<std::uint64_t>(passes + 1); });
  }

  // The same where every word is changed and written back, by which its value grows by one.
  double update_seconds(std::int64_t passes, const std::string& order) {
    const auto changes = static_cast<std::uint64_t>(passes + 1);
    return timed(passes, order, &Reader::update,
                 [changes](std::uint64_t once, std::uint64_t count) { return once + count * changes; });
  }

 private:
  // wanted(sum of a share so far, its words): what a share's sum has to be.
  template <typename Wanted>
  double timed(std::int64_t passes, const std::string& order, Team::Task pass, const Wanted& wanted) {
    in_range("passes", passes, 1, std::int64_t{1} << 32);
    const WordOrder asked = order_named(order);
    const Turn turn(*team_);
    passes_ = passes;
    order_ = asked;
    const std::uint64_t before = updates_;
    {
      py::gil_scoped_release release;
      team_->run(pass, this);
    }
    for (int rank = 0; rank < team_->size(); ++rank) {
      const Member member{rank, team_->size(), team_.get()};
      const auto n = static_cast<std::uint64_t>(words_of(member));  // a multiple of 8, so n / 2 is exact
      const std::uint64_t once = n == 0 ? 0 : n / 2 * (n - 1) + n * before;
      if (sums_[static_cast<std::size_t>(rank)].value != wanted(once, n)) {
        throw std::runtime_error("Reader: the words do not add up");
      }
    }
    return seconds_;
  }

  static WordOrder order_named(const std::string& order) {
    if (order == "up") return WordOrder::kUp;
    if (order == "down") return WordOrder::kDown;
    if (order == "pieces") return WordOrder::kPieces;
    if (order == "abreast") return WordOrder::kAbreast;
    throw std::invalid_argument("order = '" + order + "' is none of up, down, pieces, abreast");
  }

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

  WordOrder order_of(std::int64_t pass) const noexcept {
    return pass % 2 == 0 || order_ == WordOrder::kAbreast ? order_ : WordOrder::kUp;
  }

  static void read(void* context, Member& member) {
    Reader& reader = *static_cast<Reader*>(context);
    const std::uint64_t* const words = reader.share_of(member);
    const std::int64_t count = reader.words_of(member);
    std::uint64_t sum = loops().sum_words(words, count, WordOrder::kUp);
    const double seconds = timed_together(member, [&] {
      for (std::int64_t pass = 0; pass < reader.passes_; ++pass)
        sum += loops().sum_words(words, count, reader.order_of(pass));
    });
    reader.sums_[static_cast<std::size_t>(member.rank)].value = sum;
    if (member.rank == 0) reader.seconds_ = seconds;
  }

  static void update(void* context, Member& member) {
    Reader& reader = *static_cast<Reader*>(context);
    std::uint64_t* const words = reader.share_of(member);
    const std::int64_t count = reader.words_of(member);
    loops().step_words(words, count, WordOrder::kUp);
    const double seconds = timed_together(member, [&] {
      for (std::int64_t pass = 0; pass < reader.passes_; ++pass)
        loops().step_words(words, count, reader.order_of(pass));
    });
    reader.sums_[static_cast<std::size_t>(member.rank)].value = loops().sum_words(words, count, WordOrder::kUp);
    if (member.rank > 0) return;
    reader.seconds_ = seconds;
    reader.updates_ += static_cast<std::uint64_t>(reader.passes_ + 1);
  }

  std::shared_ptr<Team> team_;
  std::int64_t lines_ = 0;
  std::int64_t stride_ = 0;  // words from one thread's share to the next, whole pages
  std::int64_t passes_ = 0;
  WordOrder order_ = WordOrder::kUp;
  double seconds_ = 0.0;
  std::uint64_t updates_ = 0;
  Memory<std::uint64_t> words_;  // word i of every share holds i + updates_
  std::unique_ptr<Padded<std::uint64_t>[]> sums_;
};

}  // namespace

void register_stream(py::module_& module) {
  py::class_<Reader>(module, "Reader", "A footprint that the threads of a team read or update, each its own share.")
      .def(py::init<std::shared_ptr<Team>, std::int64_t>(), py::arg("team").none(false), py::arg("footprint_bytes"))
      .def(
          "seconds", &Reader::seconds, py::arg("passes"), py::arg("order") = "up",
          "Seconds in which the team reads the footprint `passes` times, after one untimed pass. The first of them and "
          "every second one after it goes by the order: up; down; or pieces of 16 KiB, the last first, each upwards.")
      .def("update_seconds", &Reader::update_seconds, py::arg("passes"), py::arg("order") = "up",
           "The same where every word is changed and written back in place.");
}

}  // namespace serialprof
