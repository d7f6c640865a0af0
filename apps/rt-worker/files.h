#pragma once
#include <string>

#include <remote/base/status.h>

namespace remote::worker {

/// Writes the file under another name and renames it, so that whoever waits for it never sees a part.
/// PERMISSION_DENIED: the text names the file and the cause.
Status write_whole_file(const std::string& path, const std::string& content);

}  // namespace remote::worker
