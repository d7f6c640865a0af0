#include "benchmarks/sampling.h"

#include <algorithm>

namespace remote::bench {

double median(std::vector<double> numbers) {
  if (numbers.empty()) return 0;
  const auto middle = numbers.begin() + static_cast<ptrdiff_t>(numbers.size() / 2);
  std::nth_element(numbers.begin(), middle, numbers.end());
  if (numbers.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(numbers.begin(), middle)) / 2;
}

double median_ratio(const Series& candidate, const Series& base) {
  std::vector<double> ratios;
  for (size_t i = 0; i < candidate.size(); ++i) ratios.push_back(candidate[i] / base[i]);
  return median(std::move(ratios));
}

std::vector<Series> interleave(const std::vector<std::function<double()>>& candidates, size_t rounds) {
  std::vector<Series> series(candidates.size());
  if (rounds > 1) {
    for (const auto& candidate : candidates) candidate();
  }
  for (size_t round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < candidates.size(); ++i) series[i].push_back(candidates[i]());
  }
  return series;
}

}  // namespace remote::bench
