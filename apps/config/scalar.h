#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace remote::config {

/// What plain (unquoted) YAML scalars mean, by YAML 1.2's core schema. Each returns nothing where the text is something
/// else; none throws.
std::optional<bool> parse_bool(std::string_view text);
/// Decimal, 0x and 0o. Nothing also for a number past 64 bits.
std::optional<int64_t> parse_int(std::string_view text);
/// Every integer is a float too; also `.inf`, `-.inf` and `.nan`.
std::optional<double> parse_float(std::string_view text);

/// How to write values so that they read back equal, by YAML 1.1 readers too (they take 1e-05 for a string).
std::string float_scalar(double value);
/// The text plain where that is safe, else quoted.
std::string string_scalar(std::string_view text);
std::string quoted_scalar(std::string_view text);
/// Whether the text must be quoted to be read as that string.
bool needs_quotes(std::string_view text);

}  // namespace remote::config
