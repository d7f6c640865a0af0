#pragma once
#include <string>

#include <remote/base/status.h>

namespace remote {

/// The credential that a worker asks for and its clients show: the first line of a file. INVALID_ARGUMENT when it is
/// empty; NOT_FOUND when the file can't be read.
StatusOr<std::string> read_credential(const std::string& path);

}  // namespace remote
