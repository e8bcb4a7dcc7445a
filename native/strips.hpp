// SPDX-License-Identifier: Apache-2.0
// A row of cells cut into strips that lie side by side in vectors, one bit of the vector to a strip.
//
// A vector of B bits holds cell o of every strip; a strip has length L = ceil(cells / B), so that cell p is bit p / L
// of vector p mod L. The neighbours of a vector's cells are the vectors before and behind: nothing has to be shifted.
// At the ends of the strips they are the vectors at the other end, rotated by one bit. Where B does not divide the
// cells, the last strips hang over the end of the row: positions that hold no cells.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace serialprof {

constexpr std::int64_t kCellsPerWord = 64;

class Strips {
 public:
  Strips() = default;
  // cells: a multiple of 64; words: 64-bit words of a vector.
  Strips(std::int64_t cells, std::int64_t words)
      : cells_(cells),
        words_(words),
        length_((cells + words * kCellsPerWord - 1) / (words * kCellsPerWord)),
        whole_(length_ * words * kCellsPerWord == cells) {}

  std::int64_t length() const noexcept { return length_; }  // vectors of a row
  bool whole() const noexcept { return whole_; }            // no strip hangs over the end

  struct Place {
    std::int64_t vector;
    std::int64_t word;  // of the vector
    std::int64_t bit;   // of the word
  };

  Place place(std::int64_t position) const noexcept {
    const std::int64_t strip = position / length_;
    return {position % length_, strip / kCellsPerWord, strip % kCellsPerWord};
  }

  // From a row of packed words (cell i is bit i mod 64 of word i / 64) into vectors, `stride` words from one to the
  // next. What lies over the end becomes zero.
  void cut(const std::uint64_t* row, std::uint64_t* vectors, std::int64_t stride) const noexcept {
    for_each_block([&](std::int64_t word, std::int64_t first, std::int64_t count) {
      std::uint64_t block[kCellsPerWord];
      for (std::int64_t strip = 0; strip < kCellsPerWord; ++strip) {
        block[strip] = cells_from(row, (word * kCellsPerWord + strip) * length_ + first);
      }
      transpose(block);
      for (std::int64_t place = 0; place < count; ++place) vectors[(first + place) * stride + word] = block[place];
    });
  }

  // The way back.
  void join(const std::uint64_t* vectors, std::int64_t stride, std::uint64_t* row) const noexcept {
    std::fill_n(row, cells_ / kCellsPerWord, std::uint64_t{0});
    for_each_block([&](std::int64_t word, std::int64_t first, std::int64_t count) {
      std::uint64_t block[kCellsPerWord] = {};
      for (std::int64_t place = 0; place < count; ++place) block[place] = vectors[(first + place) * stride + word];
      transpose(block);
      for (std::int64_t strip = 0; strip < kCellsPerWord; ++strip) {
        put_cells(row, (word * kCellsPerWord + strip) * length_ + first, block[strip]);
      }
    });
  }

 private:
  // Blocks of 64 strips (a word of the vectors) by up to 64 neighbouring cells.
  template <typename Action>
  void for_each_block(const Action& action) const {
    for (std::int64_t first = 0; first < length_; first += kCellsPerWord) {
      const std::int64_t count = std::min(kCellsPerWord, length_ - first);
      for (std::int64_t word = 0; word < words_; ++word) action(word, first, count);
    }
  }

  // 64 cells from `position` on; zeros over the end.
  std::uint64_t cells_from(const std::uint64_t* row, std::int64_t position) const noexcept {
    const std::int64_t word = position / kCellsPerWord;
    const std::int64_t bit = position % kCellsPerWord;
    const std::int64_t words = cells_ / kCellsPerWord;
    if (word >= words) return 0;
    const std::uint64_t low = row[word] >> bit;
    return bit == 0 || word + 1 == words ? low : low | row[word + 1] << (kCellsPerWord - bit);
  }

  // Adds cells at `position`, where zeros are; what lies over the end is dropped.
  void put_cells(std::uint64_t* row, std::int64_t position, std::uint64_t cells) const noexcept {
    const std::int64_t word = position / kCellsPerWord;
    const std::int64_t bit = position % kCellsPerWord;
    const std::int64_t words = cells_ / kCellsPerWord;
    if (word >= words) return;
    row[word] |= cells << bit;
    if (bit != 0 && word + 1 < words) row[word + 1] |= cells >> (kCellsPerWord - bit);
  }

  // Bit j of word i becomes bit i of word j: blocks off the diagonal change places, of 32 x 32 bits, then 16 x 16, ...
  static void transpose(std::uint64_t* block) noexcept {
    std::uint64_t low = 0xFFFFFFFFu;  // the lower half of every 2 * size bits
    for (int size = 32; size > 0; size /= 2, low ^= low << size) {
      for (int row = 0; row < kCellsPerWord; row = (row + size + 1) & ~size) {
        const std::uint64_t moved = (block[row] >> size ^ block[row + size]) & low;
        block[row] ^= moved << size;
        block[row + size] ^= moved;
      }
    }
  }

  std::int64_t cells_ = 0;
  std::int64_t words_ = 0;
  std::int64_t length_ = 0;
  bool whole_ = true;
};

}  // namespace serialprof
