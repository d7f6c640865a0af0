#include <remote/train/safetensors_header.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include <remote/device/error.h>

namespace remote::train {
namespace {

using HeaderJson = nlohmann::json;

struct Dtype {
  std::string_view name;
  c10::ScalarType type;
};

// In the reference implementation's order. Its sub-byte kinds have no counterpart that LibTorch computes with.
constexpr std::array kDtypes = {
    Dtype{"BOOL", c10::ScalarType::Bool},
    Dtype{"U8", c10::ScalarType::Byte},
    Dtype{"I8", c10::ScalarType::Char},
    Dtype{"F8_E5M2", c10::ScalarType::Float8_e5m2},
    Dtype{"F8_E4M3", c10::ScalarType::Float8_e4m3fn},
    Dtype{"F8_E8M0", c10::ScalarType::Float8_e8m0fnu},
    Dtype{"F8_E4M3FNUZ", c10::ScalarType::Float8_e4m3fnuz},
    Dtype{"F8_E5M2FNUZ", c10::ScalarType::Float8_e5m2fnuz},
    Dtype{"I16", c10::ScalarType::Short},
    Dtype{"U16", c10::ScalarType::UInt16},
    Dtype{"F16", c10::ScalarType::Half},
    Dtype{"BF16", c10::ScalarType::BFloat16},
    Dtype{"I32", c10::ScalarType::Int},
    Dtype{"U32", c10::ScalarType::UInt32},
    Dtype{"F32", c10::ScalarType::Float},
    Dtype{"C64", c10::ScalarType::ComplexFloat},
    Dtype{"F64", c10::ScalarType::Double},
    Dtype{"I64", c10::ScalarType::Long},
    Dtype{"U64", c10::ScalarType::UInt64},
};

[[noreturn]] void refuse(const std::string& fault) {
  throw_error(StatusCode::kDataLoss, fault);
}

/// Parses, but refuses an object that has a key twice: which of the two would count is not defined.
HeaderJson parse_without_duplicates(std::string_view text) {
  std::vector<std::set<std::string>> open;
  auto watch = [&open](int, nlohmann::json::parse_event_t event, HeaderJson& value) {
    if (event == HeaderJson::parse_event_t::object_start) open.emplace_back();
    if (event == HeaderJson::parse_event_t::object_end) open.pop_back();
    if (event == HeaderJson::parse_event_t::key && !open.back().insert(value.get<std::string>()).second) {
      refuse("its header has the key " + value.dump() + " twice");
    }
    return true;
  };
  try {
    return HeaderJson::parse(text, watch);
  } catch (const HeaderJson::exception& error) {
    refuse(std::string("its header is no valid JSON: ") + error.what());
  }
}

uint64_t as_count(const HeaderJson& value, const std::string& what) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > INT64_MAX) {
    refuse(what + ": expected a whole number of 0 or more, found " + value.dump().substr(0, 40));
  }
  return value.get<uint64_t>();
}

const HeaderJson& member(const HeaderJson& object, const char* key, HeaderJson::value_t type, const std::string& of) {
  auto found = object.find(key);
  if (found == object.end() || found->type() != type) {
    refuse(of + " has no " + key + (type == HeaderJson::value_t::array ? " list" : " text"));
  }
  return *found;
}

SafetensorsEntry parse_entry(const std::string& name, const HeaderJson& object) {
  const std::string of = "the tensor \"" + name + "\" in its header";
  if (!object.is_object()) refuse(of + " is no object");

  SafetensorsEntry entry{name, c10::ScalarType::Undefined, {}};
  const auto& dtype_name = member(object, "dtype", HeaderJson::value_t::string, of).get_ref<const std::string&>();
  const auto* dtype =
      std::find_if(kDtypes.begin(), kDtypes.end(), [&](const Dtype& known) { return known.name == dtype_name; });
  if (dtype == kDtypes.end()) refuse(of + " has the dtype \"" + dtype_name + "\", which is not known here");
  entry.dtype = dtype->type;

  uint64_t bytes = c10::elementSize(entry.dtype);
  int64_t largest_stride = 1;
  for (const HeaderJson& dim : member(object, "shape", HeaderJson::value_t::array, of)) {
    const auto size = static_cast<int64_t>(as_count(dim, of + ", shape"));
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes) ||
        __builtin_mul_overflow(largest_stride, std::max<int64_t>(size, 1), &largest_stride)) {
      refuse(of + " has a shape that overflows");
    }
    entry.shape.push_back(size);
  }

  const HeaderJson& offsets = member(object, "data_offsets", HeaderJson::value_t::array, of);
  if (offsets.size() != 2) refuse(of + " has " + std::to_string(offsets.size()) + " data_offsets: expected 2");
  entry.begin = as_count(offsets[0], of + ", data_offsets");
  entry.end = as_count(offsets[1], of + ", data_offsets");
  if (entry.begin > entry.end || entry.end - entry.begin != bytes) {
    refuse(of + " has the data_offsets " + offsets.dump() + ": its shape and dtype need " + std::to_string(bytes) +
           " bytes");
  }
  return entry;
}

}  // namespace

int safetensors_rank(c10::ScalarType dtype) {
  const auto* found =
      std::find_if(kDtypes.begin(), kDtypes.end(), [&](const Dtype& known) { return known.type == dtype; });
  if (found == kDtypes.end()) {
    throw_error(StatusCode::kInvalidArgument, std::string("safetensors has no dtype for ") + c10::toString(dtype));
  }
  return static_cast<int>(found - kDtypes.begin());
}

SafetensorsHeader parse_safetensors_header(std::string_view json, uint64_t data_bytes) {
  if (json.empty() || json.front() != '{') refuse("its header does not begin with {");
  const HeaderJson root = parse_without_duplicates(json);

  SafetensorsHeader header;
  for (const auto& [key, value] : root.items()) {
    if (key != "__metadata__") {
      header.entries.push_back(parse_entry(key, value));
      continue;
    }
    if (!value.is_object()) refuse("__metadata__ in its header is no object");
    for (const auto& [name, text] : value.items()) {
      if (!text.is_string()) refuse("__metadata__ in its header has a value that is no text: " + name);
      header.metadata[name] = text.get<std::string>();
    }
  }

  // Empty tensors share their place with the tensor that begins there; they come first.
  std::stable_sort(header.entries.begin(), header.entries.end(), [](const auto& a, const auto& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t filled = 0;
  for (const SafetensorsEntry& entry : header.entries) {
    if (entry.begin != filled) {
      refuse("the tensor \"" + entry.name + "\" begins at byte " + std::to_string(entry.begin) +
             " of the data, expected " + std::to_string(filled) +
             (entry.begin < filled ? ": it overlaps another" : ": there is a hole before it"));
    }
    filled = entry.end;
  }
  if (filled != data_bytes) {
    refuse("its tensors need " + std::to_string(filled) + " bytes of data, found " + std::to_string(data_bytes));
  }
  return header;
}

std::string format_safetensors_header(const SafetensorsHeader& header) {
  std::string text;
  auto add = [&text](const std::string& key, const std::string& value) {
    text += (text.empty() ? "{" : ",") + HeaderJson(key).dump() + ":" + value;
  };
  if (!header.metadata.empty()) add("__metadata__", HeaderJson(header.metadata).dump());
  for (const SafetensorsEntry& entry : header.entries) {
    const std::string dtype(kDtypes[static_cast<size_t>(safetensors_rank(entry.dtype))].name);
    add(entry.name, "{\"dtype\":\"" + dtype + "\",\"shape\":" + HeaderJson(entry.shape).dump() + ",\"data_offsets\":[" +
                        std::to_string(entry.begin) + "," + std::to_string(entry.end) + "]}");
  }
  text += text.empty() ? "{}" : "}";
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace remote::train
