#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace remote::client {

/// Where in the program each record was made, kept until the worker has run it: what REMOTE_RECORD_SITES=1 turns on, so
/// that an error that comes later says which line recorded the op. Noting costs a walk up the stack, a few microseconds
/// a record; reading debug information is left until an error needs it. Thread-safe.
class CallSites {
  struct Site;

 public:
  using Here = std::shared_ptr<Site>;

  CallSites();
  ~CallSites();

  /// Where the caller stands. Not under a lock: with Python in the process it takes the GIL.
  static Here here();
  /// The record `sequence` was made there.
  void note(uint64_t sequence, Here here);
  /// The calls that led to a record, innermost first, from the program's own code: "train.cpp:17 in main()"; in Python
  /// those of Python. Empty for one that was never noted or was forgotten. The text of a record that was asked for
  /// stays known.
  std::string describe(uint64_t sequence);
  /// All records up to here have run.
  void forget(uint64_t executed);

 private:
  std::mutex mutex_;
  std::deque<Here> sites_;  // in the order in which they were noted
  std::map<uint64_t, std::string> described_;
};

}  // namespace remote::client
