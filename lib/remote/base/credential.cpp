#include <remote/base/credential.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace remote {

StatusOr<std::string> read_credential(const std::string& path) {
  errno = 0;
  std::ifstream in(path);
  std::string line;
  if (!in) return Status(StatusCode::kNotFound, "can't read " + path + ": " + std::strerror(errno));
  std::getline(in, line);
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line.empty()) return Status(StatusCode::kInvalidArgument, path + " must hold a credential in its first line");
  return line;
}

bool same_secret(std::string_view left, std::string_view right) {
  if (left.size() != right.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < left.size(); ++i) difference |= static_cast<unsigned char>(left[i] ^ right[i]);
  return difference == 0;
}

}  // namespace remote
