#include <remote/train/safetensors.h>

#define XXH_INLINE_ALL
#include <ATen/ATen.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <memory>
#include <set>

#include <remote/device/error.h>
#include <remote/train/files.h>
#include <remote/train/safetensors_header.h>

namespace remote::train {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the format is little-endian, and bytes are copied as they are");

constexpr uint64_t kLengthBytes = 8;
constexpr const char* kChecksumKey = "xxh3_128";

/// XXH3 of bytes that come one after the other.
class Hash {
 public:
  Hash() : state_(XXH3_createState(), XXH3_freeState) { XXH3_128bits_reset(state_.get()); }
  void add(const void* bytes, size_t count) { XXH3_128bits_update(state_.get(), bytes, count); }

  std::string digits() const {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_.get()));
    std::string text;
    for (const unsigned char byte : canonical.digest) {
      text += "0123456789abcdef"[byte >> 4];
      text += "0123456789abcdef"[byte & 15];
    }
    return text;
  }

 private:
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state_;
};

/// A file from which exact numbers of bytes are read.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : path_(path) {
    std::error_code error;
    length_ = std::filesystem::file_size(path, error);
    if (error) throw_file_error("can't open", path, error.value());
    file_.open(path, std::ios::binary);
    if (!file_) throw_file_error("can't open", path, errno);
  }

  uint64_t length() const { return length_; }

  void read(void* into, uint64_t bytes) {
    if (!file_.read(static_cast<char*>(into), static_cast<std::streamsize>(bytes))) refuse("it ends too early");
  }

  [[noreturn]] void refuse(const std::string& fault) const {
    throw_error(StatusCode::kDataLoss, path_.string() + " is no valid safetensors file: " + fault);
  }

 private:
  std::filesystem::path path_;
  std::ifstream file_;
  uint64_t length_ = 0;
};

SafetensorsHeader read_header(Reader& reader) {
  if (reader.length() < kLengthBytes) reader.refuse("it has only " + std::to_string(reader.length()) + " bytes");
  uint64_t header_bytes = 0;
  reader.read(&header_bytes, kLengthBytes);
  const uint64_t most = std::min(kMaxSafetensorsHeaderBytes, reader.length() - kLengthBytes);
  if (header_bytes > most) {
    reader.refuse("expected a header of at most " + std::to_string(most) + " bytes, its first 8 bytes say " +
                  std::to_string(header_bytes));
  }
  std::string json(header_bytes, '\0');
  reader.read(json.data(), header_bytes);
  try {
    return parse_safetensors_header(json, reader.length() - kLengthBytes - header_bytes);
  } catch (const Error& error) {
    reader.refuse(error.status().message());
  }
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const Safetensors& contents, Checksum checksum) {
  NamedTensors tensors = contents.tensors;
  std::sort(tensors.begin(), tensors.end(), [](const NamedTensor& a, const NamedTensor& b) {
    const int a_rank = safetensors_rank(a.tensor.scalar_type()), b_rank = safetensors_rank(b.tensor.scalar_type());
    return a_rank != b_rank ? a_rank > b_rank : a.name < b.name;
  });

  SafetensorsHeader header{{}, contents.metadata};
  header.metadata.emplace("format", "pt");
  std::set<std::string> names{"__metadata__"};
  uint64_t begin = 0;
  for (NamedTensor& entry : tensors) {
    TORCH_CHECK(entry.tensor.device().is_cpu(), "write_safetensors: ", entry.name, " lies on ", entry.tensor.device(),
                "; fetch it first");
    TORCH_CHECK(names.insert(entry.name).second, "write_safetensors: two tensors are called ", entry.name);
    entry.tensor = entry.tensor.contiguous();
    const uint64_t end = begin + entry.tensor.nbytes();
    header.entries.push_back({entry.name, entry.tensor.scalar_type(), entry.tensor.sizes().vec(), begin, end});
    begin = end;
  }
  if (checksum == Checksum::kXxh3) {
    Hash hash;
    for (const NamedTensor& entry : tensors) hash.add(entry.tensor.const_data_ptr(), entry.tensor.nbytes());
    header.metadata.insert_or_assign(kChecksumKey, hash.digits());
  }

  const std::string json = format_safetensors_header(header);
  const uint64_t json_bytes = json.size();
  FileWriter file(path);
  file.write(&json_bytes, kLengthBytes);
  file.write(json.data(), json.size());
  for (const NamedTensor& entry : tensors) file.write(entry.tensor.const_data_ptr(), entry.tensor.nbytes());
  file.finish();
}

Safetensors read_safetensors(const std::filesystem::path& path) {
  Reader reader(path);
  SafetensorsHeader header = read_header(reader);
  Safetensors contents{{}, std::move(header.metadata)};
  const auto checksum = contents.metadata.extract(kChecksumKey);
  Hash hash;
  for (const SafetensorsEntry& entry : header.entries) {
    at::Tensor tensor = at::empty(entry.shape, at::TensorOptions(entry.dtype).device(at::kCPU));
    reader.read(tensor.mutable_data_ptr(), entry.end - entry.begin);
    if (checksum) hash.add(tensor.const_data_ptr(), tensor.nbytes());
    contents.tensors.push_back({entry.name, std::move(tensor)});
  }
  if (checksum && checksum.mapped() != hash.digits()) {
    reader.refuse(
        "its tensors don't have the checksum that its header gives, so bytes have changed since it was "
        "written");
  }
  return contents;
}

}  // namespace remote::train
