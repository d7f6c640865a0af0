#include <remote/transport/address.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string_view>

namespace remote::transport {
namespace {

bool is_number(std::string_view text, uint64_t min, uint64_t max) {
  if (text.empty() || text.size() > 5) return false;
  uint64_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return min <= value && value <= max;
}

bool is_device(std::string_view device) {
  constexpr std::string_view kCuda = "cuda:";
  return device == "auto" || device == "cpu" ||
         (device.starts_with(kCuda) && is_number(device.substr(kCuda.size()), 0, 127));
}

bool is_host(std::string_view host) {
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    // Hexadecimal groups, a dotted IPv4 tail, a zone.
    return host.find(':') != host.npos && std::all_of(host.begin(), host.end(), [](unsigned char c) {
             return std::isalnum(c) || c == ':' || c == '.' || c == '%' || c == '-' || c == '_';
           });
  }
  return !host.empty() && std::all_of(host.begin(), host.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '.' || c == '-' || c == '_';
  });
}

Status not_an_address(const std::string& address, const std::string& why) {
  return {StatusCode::kInvalidArgument,
          "\"" + address + "\" is not a worker's address" + why +
              "; expected embedded, embedded:cpu, embedded:cuda:0, host:port, [ipv6]:port or unix:/path"};
}

}  // namespace

StatusOr<Address> parse_address(const std::string& address) {
  constexpr std::string_view kEmbedded = "embedded", kUnix = "unix:";
  const std::string_view text = address;
  if (text == kEmbedded) return Address{Address::Kind::kEmbedded, "auto", {}};
  if (text.starts_with("embedded:")) {
    const std::string_view device = text.substr(kEmbedded.size() + 1);
    if (!is_device(device)) return not_an_address(address, ": no such device");
    return Address{Address::Kind::kEmbedded, std::string(device), {}};
  }
  if (text.starts_with(kUnix)) {
    if (text.size() <= kUnix.size() + 1 || text[kUnix.size()] != '/') {
      return not_an_address(address, ": a unix socket needs an absolute path");
    }
    // sockaddr_un has room for 107 characters and the zero.
    if (text.size() - kUnix.size() > 107)
      return not_an_address(address, ": a socket's path has at most 107 characters");
    return Address{Address::Kind::kNetwork, {}, address};
  }
  const size_t colon = text.rfind(':');
  if (colon == text.npos) return not_an_address(address, ": the port is missing");
  if (!is_host(text.substr(0, colon))) return not_an_address(address, ": the host is not a name or number");
  if (!is_number(text.substr(colon + 1), 1, 65535)) return not_an_address(address, ": the port is not 1 to 65535");
  return Address{Address::Kind::kNetwork, {}, address};
}

}  // namespace remote::transport
