#include "apps/config/suggest.h"

#include <algorithm>
#include <cctype>

namespace remote::config {
namespace {

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

std::string bare(std::string_view name) {
  std::string result;
  for (char c : name) {
    if (c != '-' && c != '_') result += lower(c);
  }
  return result;
}

}  // namespace

size_t edit_distance(std::string_view a, std::string_view b) {
  constexpr size_t kLongest = 200;  // nobody misspells a longer name; bounds the work on hostile input
  if (a.size() > kLongest || b.size() > kLongest) return std::max(a.size(), b.size());
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t replace = cost[i - 1][j - 1] + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      cost[i][j] = std::min({replace, cost[i - 1][j] + 1, cost[i][j - 1] + 1});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1])) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

bool same_spelling(std::string_view a, std::string_view b) { return bare(a) == bare(b); }

std::string closest(std::string_view name, const std::vector<std::string>& candidates) {
  std::string best;
  size_t best_distance = std::max<size_t>(1, name.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    if (same_spelling(name, candidate)) return candidate;
    size_t distance = edit_distance(name, candidate);
    // One letter for another is no likeness where there are only two.
    if (distance < best_distance && distance < std::max(name.size(), candidate.size()) - 1) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string join_names(const std::vector<std::string>& names, std::string_view last, size_t limit) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i == limit) return text + ", ...";
    if (i > 0) text += i + 1 == names.size() ? " " + std::string(last) + " " : ", ";
    text += names[i];
  }
  return text;
}

std::string with_article(const std::string& noun) {
  return (std::string_view("aeiou").find(noun.front()) == std::string_view::npos ? "a " : "an ") + noun;
}

}  // namespace remote::config
