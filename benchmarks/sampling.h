#pragma once
#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

namespace remote::bench {

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - began_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point began_ = Clock::now();
};

/// The middle of some numbers; 0 for none.
double median(std::vector<double> numbers);

/// What one candidate measured, a number a round.
using Series = std::vector<double>;

/// The middle of candidate / base within each round: a slow moment of the machine that lasts longer than a round hits
/// both.
double median_ratio(const Series& candidate, const Series& base);

/// Measures candidates in turn, A B C A B C ..., after one round that does not count; for a single round, without it.
/// Every candidate returns what it measured.
std::vector<Series> interleave(const std::vector<std::function<double()>>& candidates, size_t rounds);

}  // namespace remote::bench
