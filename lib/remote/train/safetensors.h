#pragma once
#include <remote/train/named_tensors.h>

#include <filesystem>
#include <map>
#include <string>

namespace remote::train {

/// What a safetensors file holds. The format: https://github.com/huggingface/safetensors, README, "Format".
struct Safetensors {
  NamedTensors tensors;
  /// "__metadata__". Files of Python's torch have {"format": "pt"}, and some readers insist on it.
  std::map<std::string, std::string> metadata;
};

/// Writes the file and returns when it is on the disk. Tensors are on the CPU; their order in the file is the reference
/// writer's (by dtype, then by name), so the same tensors make the same bytes. Adds {"format": "pt"} to the metadata,
/// and with a checksum {"xxh3_128": hexadecimal digits}, XXH3 of the tensors' bytes as they stand in the file. Throws
/// remote::Error: a name twice, a dtype that the format lacks, a disk that is full.
enum class Checksum { kNone, kXxh3 };
void write_safetensors(const std::filesystem::path& path, const Safetensors& contents,
                       Checksum checksum = Checksum::kNone);

/// Reads a file into CPU tensors, in the order of their data. The file is hostile until checked: each rule of the
/// format is held to it before a tensor is made, and memory never exceeds the file's length by more than a constant
/// factor. A checksum among the metadata is compared and left out of the result. Throws remote::Error, which names the
/// file and the fault.
Safetensors read_safetensors(const std::filesystem::path& path);

}  // namespace remote::train
