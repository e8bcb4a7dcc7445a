// SPDX-License-Identifier: Apache-2.0
// Regions and steps of C++ code, recorded by serialprof.recording(...) of the Python process that it runs in.
//
//   // c++ -std=c++17 -I$(python -c 'import serialprof; print(serialprof.include())') ...
//   #include <serialprof/live.hpp>
//
//   void decode() {
//     static serialprof::live::Name loop_name("decode"), sample_name("sample");
//     serialprof::live::Loop loop(loop_name);
//     for (int token = 0; token < 100; ++token) {
//       forward();
//       {
//         serialprof::live::Region region(sample_name);
//         sample();
//       }
//       loop.step();                          // a step ends here, the next begins
//     }
//   }
//
// Every shared library that uses this header is to be attached once, after which anything costs a few nanoseconds where
// nothing records: serialprof::live::attach(address) with the address that serialprof.live_table() gives in Python.
// Where nothing was attached, nothing is recorded. Objects belong to the thread that made them.
#pragma once

#include <atomic>
#include <cstdint>

namespace serialprof::live {

constexpr std::int32_t kTableVersion = 1;

struct Position {
  void* lane;
  std::uint64_t run;
};

// How a library reaches the recorder; plain C, so that compilers may differ.
struct Table {
  std::int32_t version;
  std::int32_t (*name)(const char* text);
  void* (*enter)(std::int32_t name);
  void (*leave)(void* lane, std::int32_t name);
  Position (*step)(std::int32_t name, std::uint64_t run, void* lane);
  void (*end)(void* lane, std::uint64_t run);
};

inline std::atomic<const Table*> attached{nullptr};

// False where the address is none of this version of the header.
inline bool attach(const void* address) noexcept {
  const Table* found = static_cast<const Table*>(address);
  if (found == nullptr || found->version != kTableVersion) return false;
  attached.store(found, std::memory_order_release);
  return true;
}

// A name of a region or loop; make it static, since it is looked up once.
class Name {
 public:
  explicit Name(const char* text) noexcept : text_(text) {}
  // Its number, below zero where there are too many names.
  std::int32_t number(const Table& table) const noexcept {
    std::int32_t known = number_.load(std::memory_order_relaxed);
    if (known == kUnknown) number_.store(known = table.name(text_), std::memory_order_relaxed);
    return known;
  }

 private:
  static constexpr std::int32_t kUnknown = -2;
  const char* text_;
  mutable std::atomic<std::int32_t> number_{kUnknown};
};

// The time from here to the end of the scope.
class Region {
 public:
  explicit Region(const Name& name) noexcept : table_(attached.load(std::memory_order_acquire)) {
    if (table_ == nullptr) return;
    number_ = name.number(*table_);
    lane_ = table_->enter(number_);
  }
  ~Region() {
    if (lane_ != nullptr) table_->leave(lane_, number_);
  }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

 private:
  const Table* table_;
  void* lane_ = nullptr;
  std::int32_t number_ = -1;
};

// A loop from here to the end of the scope; each call of step() ends one step and begins the next.
class Loop {
 public:
  explicit Loop(const Name& name) noexcept : table_(attached.load(std::memory_order_acquire)) {
    if (table_ == nullptr) return;
    number_ = name.number(*table_);
    step();
  }
  void step() noexcept {
    if (table_ != nullptr) at_ = table_->step(number_, at_.run, at_.lane);
  }
  ~Loop() {
    if (at_.run != 0) table_->end(at_.lane, at_.run);
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

 private:
  const Table* table_;
  std::int32_t number_ = -1;
  Position at_{nullptr, 0};
};

}  // namespace serialprof::live
