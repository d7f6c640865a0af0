#pragma once
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace remote::train {

/// One tensor in a safetensors header. The offsets are bytes from the end of the header, `end` exclusive.
struct SafetensorsEntry {
  std::string name;
  c10::ScalarType dtype;
  std::vector<int64_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;
  std::map<std::string, std::string> metadata;
};

/// More is refused, as the reference reader does.
constexpr uint64_t kMaxSafetensorsHeaderBytes = 100'000'000;

/// Parses and checks a header; the entries come back in the order of their data, which fills exactly `data_bytes`.
/// Throws remote::Error with the fault, without a file name.
SafetensorsHeader parse_safetensors_header(std::string_view json, uint64_t data_bytes);

/// The header's text, padded to a multiple of 8 bytes so that data begin aligned.
std::string format_safetensors_header(const SafetensorsHeader& header);

/// The place of a dtype in the reference writer's order, which puts higher ones first. Throws remote::Error for a dtype
/// that the format lacks.
int safetensors_rank(c10::ScalarType dtype);

}  // namespace remote::train
