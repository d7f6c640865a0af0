#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace remote::config {

/// Insertions, deletions, replacements and swaps of neighbours that turn one text into the other; case counts as equal.
size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate that was probably meant, or "": equal up to case, '-' and '_', else the nearest one within a third of
/// the length.
std::string closest(std::string_view name, const std::vector<std::string>& candidates);

/// Whether two names are the same up to case, '-' and '_'.
bool same_spelling(std::string_view a, std::string_view b);

/// "a, b or c"; after `limit` names "...".
std::string join_names(const std::vector<std::string>& names, std::string_view last = "or", size_t limit = 80);

/// "a layer", "an optimizer".
std::string with_article(const std::string& noun);

}  // namespace remote::config
