#include "apps/rt-worker/files.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace remote::worker {

Status write_whole_file(const std::string& path, const std::string& content) {
  const std::string partial = path + "." + std::to_string(::getpid()) + ".tmp";
  errno = 0;
  std::ofstream out(partial, std::ios::trunc);
  out << content << std::flush;
  const bool written = out.good();
  out.close();
  if (!written || std::rename(partial.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(partial.c_str());
    return {StatusCode::kPermissionDenied, "can't write " + path + ": " + std::strerror(error)};
  }
  return {};
}

}  // namespace remote::worker
