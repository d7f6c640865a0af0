#pragma once
#include <string>
#include <string_view>

#include <remote/base/status.h>

namespace remote {

/// The credential that a worker asks for and its clients show: the first line of a file. INVALID_ARGUMENT when it is
/// empty; NOT_FOUND when the file can't be read.
StatusOr<std::string> read_credential(const std::string& path);

/// Compares secrets in a time that doesn't tell where the first difference is.
bool same_secret(std::string_view left, std::string_view right);

}  // namespace remote
