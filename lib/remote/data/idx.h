#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace remote::data {

/// Reads an IDX file of unsigned bytes, plain or gzipped, into a uint8 CPU tensor with `dims` dimensions (1 for labels,
/// 3 for images). The format: http://yann.lecun.com/exdb/mnist.
///
/// The whole file is checked: magic number, dimensions, length, and gzip's checksum. Memory grows with the data that is
/// there, not with what a header promises. Throws remote::Error, which names the file, what was expected and what was
/// found.
at::Tensor read_idx(const std::string& path, int64_t dims);

}  // namespace remote::data
